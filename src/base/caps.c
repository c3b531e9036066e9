/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "base/caps.h"

#include <assert.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static_assert(CAPS_LOW_PORTS == 1ull << CAP_NET_BIND_SERVICE,
    "the kernel's number");

#define WORDS	_LINUX_CAPABILITY_U32S_3

static int
get(struct __user_cap_data_struct words[WORDS])
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3 };

	return (int)syscall(SYS_capget, &header, words);
}

void
caps_forbid_gain(void)
{
	/* The kernel may know more of them than its header did. */
	for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
}

int
caps_keep(uint64_t set, struct err *err)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct words[WORDS] = { { 0 } };

	if (get(words) == -1)
		return err_sys(err, "cannot look at the capabilities");
	/* What cannot be inherited is no ambient capability, either. */
	for (int i = 0; i < WORDS; i++) {
		words[i].permitted &= (uint32_t)(set >> 32 * i);
		words[i].effective = words[i].permitted;
		words[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, words) == -1)
		return err_sys(err, "cannot give up capabilities");
	return 0;
}

uint64_t
caps_effective(void)
{
	struct __user_cap_data_struct words[WORDS] = { { 0 } };

	if (get(words) == -1)
		return 0;
	return (uint64_t)words[1].effective << 32 | words[0].effective;
}
