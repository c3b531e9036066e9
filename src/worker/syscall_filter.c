/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "worker/syscall_filter.h"

#ifdef HAWSER_SECCOMP

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGS_MAX	4
#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* A call, and what its arguments must be: ended by an op of 0. */
struct rule {
	int call;
	struct scmp_arg_cmp args[ARGS_MAX];
};

#define IS(arg, value)		{ (arg), SCMP_CMP_EQ, (value), 0 }
#define WITHOUT(arg, bits)	{ (arg), SCMP_CMP_MASKED_EQ, (bits), 0 }
#define ANY(call)		{ SCMP_SYS(call), { { 0 } } }

/*
 * Those of the relays come first. Some exist on some machines only, or stand
 * behind the vDSO; libseccomp skips those that a machine doesn't have.
 */
static const struct rule allowed[] = {
	ANY(recvfrom), ANY(read), ANY(epoll_wait), ANY(epoll_pwait),
	/*
	 * With an address or TCP Fast Open they would connect, unconfined;
	 * sendmsg(2) would hand descriptors to the supervisor.
	 */
	{ SCMP_SYS(sendto), { WITHOUT(3, MSG_FASTOPEN), IS(4, 0) } },
	{ SCMP_SYS(send), { WITHOUT(3, MSG_FASTOPEN) } },
	ANY(write), ANY(writev), ANY(readv), ANY(recv), ANY(recvmsg),
	ANY(epoll_ctl), ANY(epoll_create1), ANY(epoll_pwait2), ANY(poll),
	ANY(ppoll), ANY(ppoll_time64), ANY(pipe2), ANY(close), ANY(shutdown),
	/* Listening sockets are lent, never made here. */
	ANY(accept), ANY(accept4), ANY(connect), ANY(getsockname),
	ANY(getpeername),
	{ SCMP_SYS(getsockopt), { IS(1, SOL_SOCKET) } },
	{ SCMP_SYS(getsockopt), { IS(1, IPPROTO_TCP) } },
	{ SCMP_SYS(setsockopt), { IS(1, SOL_SOCKET), IS(2, SO_LINGER) } },
	{ SCMP_SYS(setsockopt), { IS(1, SOL_SOCKET), IS(2, SO_KEEPALIVE) } },
	{ SCMP_SYS(setsockopt), { IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY) } },
	{ SCMP_SYS(setsockopt), { IS(1, IPPROTO_TCP), IS(2, TCP_QUICKACK) } },
	{ SCMP_SYS(setsockopt), { IS(1, IPPROTO_TCP),
	    IS(2, TCP_USER_TIMEOUT) } },
	{ SCMP_SYS(fcntl), { IS(1, F_GETFL) } },
	{ SCMP_SYS(fcntl), { IS(1, F_SETFL) } },
	{ SCMP_SYS(fcntl), { IS(1, F_GETFD) } },
	{ SCMP_SYS(fcntl), { IS(1, F_SETFD) } },
	{ SCMP_SYS(fcntl64), { IS(1, F_GETFL) } },
	{ SCMP_SYS(fcntl64), { IS(1, F_SETFL) } },
	{ SCMP_SYS(fcntl64), { IS(1, F_GETFD) } },
	{ SCMP_SYS(fcntl64), { IS(1, F_SETFD) } },
	{ SCMP_SYS(ioctl), { IS(1, FIONREAD) } },
	/* Memory, but none that can be run. */
	ANY(brk), ANY(munmap), ANY(mremap), ANY(madvise), ANY(mlock),
	ANY(munlock),
	{ SCMP_SYS(mmap), { WITHOUT(2, PROT_EXEC) } },
	{ SCMP_SYS(mmap2), { WITHOUT(2, PROT_EXEC) } },
	{ SCMP_SYS(mprotect), { WITHOUT(2, PROT_EXEC) } },
	/* Time and chance. */
	ANY(clock_gettime), ANY(clock_gettime64), ANY(clock_getres),
	ANY(clock_nanosleep), ANY(clock_nanosleep_time64), ANY(gettimeofday),
	ANY(time), ANY(nanosleep), ANY(getrandom),
	/* What the libraries ask of themselves. */
	ANY(futex), ANY(futex_time64), ANY(sched_yield), ANY(getpid),
	ANY(gettid), ANY(getppid), ANY(getuid), ANY(geteuid), ANY(getgid),
	ANY(getegid), ANY(getuid32), ANY(geteuid32), ANY(getgid32),
	ANY(getegid32), ANY(sysinfo), ANY(sched_getaffinity), ANY(fstat),
	ANY(fstat64), ANY(lseek), ANY(_llseek), ANY(rt_sigaction),
	ANY(rt_sigprocmask), ANY(rt_sigreturn), ANY(sigreturn),
	ANY(restart_syscall), ANY(exit), ANY(exit_group),
};

/* Libraries live well without optional files; a crash would cost more. */
static const int refused[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(stat),
	SCMP_SYS(stat64), SCMP_SYS(lstat), SCMP_SYS(lstat64),
	SCMP_SYS(newfstatat), SCMP_SYS(fstatat64), SCMP_SYS(statx),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat),
};

static int
add(scmp_filter_ctx ctx, const struct rule *r)
{
	unsigned n = 0;

	while (n < ARGS_MAX && r->args[n].op != 0)
		n++;
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, r->call, n,
	    r->args);
}

/* A stream socket of that family, or EACCES. */
static int
add_socket(scmp_filter_ctx ctx, uint64_t family, bool is_needed)
{
	struct rule r = { SCMP_SYS(socket), {
	    IS(0, family),
	    { 1, SCMP_CMP_MASKED_EQ,
	    0xffffffffu & ~(unsigned)(SOCK_NONBLOCK | SOCK_CLOEXEC),
	    SOCK_STREAM },
	    /* Not Multipath TCP: Landlock does not know it. */
	    IS(2, 0),
	} };

	if (is_needed)
		return add(ctx, &r);
	return seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EACCES), r.call, 1,
	    r.args);
}

static int
add_sockets(scmp_filter_ctx ctx, const struct targets *t)
{
	bool tcp = t->any_port || t->port_count > 0;
	int rc;

	if ((rc = add_socket(ctx, AF_INET, tcp)) == 0 &&
	    (rc = add_socket(ctx, AF_INET6, tcp)) == 0)
		rc = add_socket(ctx, AF_UNIX, t->unix_sockets);
	return rc;
}

/* abort(3) shall end this process as such; no other gets a signal. */
static int
add_abort(scmp_filter_ctx ctx)
{
	struct rule r = { SCMP_SYS(tgkill), {
	    IS(0, (uint64_t)getpid()), IS(2, SIGABRT) } };

	return add(ctx, &r);
}

static int
add_all(scmp_filter_ctx ctx, const struct targets *t)
{
	int rc;

	for (size_t i = 0; i < COUNT(allowed); i++)
		if ((rc = add(ctx, &allowed[i])) != 0)
			return rc;
	for (size_t i = 0; i < COUNT(refused); i++)
		if ((rc = seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EACCES),
		    refused[i], 0, NULL)) != 0)
			return rc;
	/* Where there are few arms, the hot ones are found first. */
	for (unsigned i = 0; i < 6; i++)
		seccomp_syscall_priority(ctx, allowed[i].call,
		    (uint8_t)(255 - i));
	if ((rc = add_abort(ctx)) != 0)
		return rc;
	return add_sockets(ctx, t);
}

int
syscall_filter_load(const struct targets *t, struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc;

	if (ctx == NULL)	/* before Linux 4.14 */
		ctx = seccomp_init(SCMP_ACT_KILL);
	if (ctx == NULL)
		return 1;
	seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL);
	if ((rc = add_all(ctx, t)) == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc == 0)
		return 0;
	if (rc == -EINVAL || rc == -ENOSYS)
		return 1;
	errno = -rc;
	return err_sys(err, "the filter was not loaded");
}

#else

int
syscall_filter_load(const struct targets *t, struct err *err)
{
	(void)t;
	(void)err;
	return 1;
}

#endif
