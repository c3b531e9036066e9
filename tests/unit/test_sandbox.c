/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ipc/targets.h"
#include "worker/sandbox.h"

/* How a child ends whose call was answered: its errno, if it isn't this. */
#define DONE		0
#define SURVIVED	200	/* what should have ended it did not */

static bool has_seccomp, has_landlock;
static struct targets all = { .any_port = true, .unix_sockets = true };
static struct targets none;

/* Runs a deed in a child that has entered the sandbox; how it ended. */
static int
inside(const struct targets *t, int (*deed)(void))
{
	pid_t pid = fork();
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		struct targets reach = { 0 };

		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		sandbox_prepare();
		sandbox_enter(t, &reach);
		_exit(deed());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
expect_death(const struct targets *t, int (*deed)(void))
{
	int status = inside(t, deed);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		fail_msg("status %x", status);
}

static void
expect_exit(const struct targets *t, int (*deed)(void), int code)
{
	int status = inside(t, deed);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
		fail_msg("status %x, not exit code %d", status, code);
}

/* Deeds */

static int
run_a_program(void)
{
	char *argv[] = { (char *)"true", NULL };

	execv("/bin/true", argv);
	return SURVIVED;
}

static int
make_a_process(void)
{
	if (fork() == 0)
		_exit(0);
	return SURVIVED;
}

static int
make_a_thread(void)
{
	syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, 0, 0, 0,
	    0);
	return SURVIVED;
}

static int
trace_the_parent(void)
{
	ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
	return SURVIVED;
}

static int
signal_the_parent(void)
{
	kill(getppid(), SIGWINCH);
	return SURVIVED;
}

static int
signal_the_parents_thread(void)
{
	syscall(SYS_tgkill, getppid(), getppid(), SIGABRT);
	return SURVIVED;
}

static int
run_made_memory(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	return SURVIVED;
}

static int
make_memory_run(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p, 4096, PROT_READ | PROT_EXEC);
	return SURVIVED;
}

static int
listen_on_a_socket(void)
{
	listen(socket(AF_INET, SOCK_STREAM, 0), 1);
	return SURVIVED;
}

static int
make_a_datagram_socket(void)
{
	(void)socket(AF_INET, SOCK_DGRAM, 0);
	return SURVIVED;
}

static int
make_a_netlink_socket(void)
{
	(void)socket(AF_NETLINK, SOCK_RAW, 0);
	return SURVIVED;
}

static int
send_to_an_address(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET };

	sendto(2, "", 0, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof(to));
	return SURVIVED;
}

static int
hand_over_a_descriptor(void)
{
	struct msghdr msg = { 0 };

	(void)sendmsg(2, &msg, 0);
	return SURVIVED;
}

static int
type_into_the_terminal(void)
{
	syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x");
	return SURVIVED;
}

static int
read_a_file(void)
{
	return open("/etc/passwd", O_RDONLY) == -1 ? errno : SURVIVED;
}

static int
write_a_file(void)
{
	return open("/tmp", O_RDWR | O_TMPFILE, 0600) == -1 ? errno :
	    SURVIVED;
}

static int
remove_a_file(void)
{
	unlink("/tmp/hawser-no-such-file");
	return SURVIVED;
}

static int
reach_a_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) == -1 ? errno : SURVIVED;
}

static int
make_a_tcp_socket(void)
{
	return socket(AF_INET6, SOCK_STREAM, 0) == -1 ? errno : SURVIVED;
}

static int
abort_itself(void)
{
	abort();
}

/* All that a relay does, on sockets of its own and one made before. */
static int
relay(void)
{
	int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int poller = epoll_create1(EPOLL_CLOEXEC), one = 1, ends[2];
	struct epoll_event event = { .events = EPOLLIN };
	struct pollfd p = { .fd = s };
	char bytes[16];
	void *memory = malloc(1 << 20);
	struct tm tm;
	time_t now = time(NULL);

	if (s == -1 || poller == -1 || memory == NULL ||
	    pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1 ||
	    epoll_ctl(poller, EPOLL_CTL_ADD, ends[0], &event) == -1 ||
	    write(ends[1], "x", 1) != 1 ||
	    epoll_wait(poller, &event, 1, 1000) != 1 ||
	    read(ends[0], bytes, sizeof(bytes)) != 1 ||
	    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == -1 ||
	    poll(&p, 1, 0) == -1 ||
	    recv(s, bytes, sizeof(bytes), 0) != -1 || errno != ENOTCONN ||
	    send(s, bytes, sizeof(bytes), MSG_NOSIGNAL) != -1 ||
	    getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes) ||
	    gmtime_r(&now, &tm) == NULL ||
	    strftime(bytes, sizeof(bytes), "%H:%M", &tm) == 0)
		return SURVIVED;
	free(memory);
	return DONE;
}

/* Landlock's part: the port is the one that the parent listens on. */

static uint16_t port;

static int
connect_to(uint16_t to)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_port = htons(to),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	return connect(s, (struct sockaddr *)&a, sizeof(a)) == -1 ? errno :
	    DONE;
}

static int
connect_to_the_port(void)
{
	return connect_to(port);
}

/* Tests */

static void
programs_and_processes(void **state)
{
	(void)state;
	if (!has_seccomp)
		skip();
	expect_death(&all, run_a_program);
	expect_death(&all, make_a_process);
	expect_death(&all, make_a_thread);
	expect_death(&all, trace_the_parent);
	expect_death(&all, signal_the_parent);
	expect_death(&all, signal_the_parents_thread);
	expect_death(&all, run_made_memory);
	expect_death(&all, make_memory_run);
}

static void
sockets(void **state)
{
	(void)state;
	if (!has_seccomp)
		skip();
	expect_death(&all, listen_on_a_socket);
	expect_death(&all, make_a_datagram_socket);
	expect_death(&all, make_a_netlink_socket);
	expect_death(&all, send_to_an_address);
	expect_death(&all, hand_over_a_descriptor);
	expect_death(&all, type_into_the_terminal);
	expect_exit(&all, reach_a_unix_socket, SURVIVED);
	expect_exit(&none, reach_a_unix_socket, EACCES);
	expect_exit(&none, make_a_tcp_socket, EACCES);
}

static void
files(void **state)
{
	(void)state;
	if (!has_seccomp && !has_landlock)
		skip();
	expect_exit(&all, read_a_file, EACCES);
	expect_exit(&all, write_a_file, EACCES);
	if (has_seccomp)
		expect_death(&all, remove_a_file);
}

static void
what_a_worker_does(void **state)
{
	int status;

	(void)state;
	expect_exit(&all, relay, DONE);
	status = inside(&all, abort_itself);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* The targets' ports, and no others, where the kernel tells them apart. */
static void
ports(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	struct targets right = { 0 }, wrong = { 0 };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	if (!has_landlock || syscall(444, NULL, 0, 1) < 4)
		skip();
	assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s, 8), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&a, &len), 0);
	port = ntohs(a.sin_port);
	targets_add_port(&right, 1);
	targets_add_port(&right, port);
	targets_add_port(&wrong, (uint16_t)(port ^ 1));
	expect_exit(&all, connect_to_the_port, DONE);
	expect_exit(&right, connect_to_the_port, DONE);
	expect_exit(&wrong, connect_to_the_port, EACCES);
	targets_fini(&right);
	targets_fini(&wrong);
	close(s);
}

/* The name and the reach say what was found. */
static int
look(void **state)
{
	int ends[2];
	char name[32] = "";
	pid_t pid;

	(void)state;
	if (pipe2(ends, O_CLOEXEC) == -1 || (pid = fork()) == -1)
		return -1;
	if (pid == 0) {
		struct targets reach = { 0 };
		const char *text;

		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		text = sandbox_enter(&none, &reach);
		if (strstr(text, "seccomp") != NULL &&
		    (reach.any_port || reach.unix_sockets))
			text = "it reaches more than it says";
		_exit(write(ends[1], text, strlen(text)) == -1);
	}
	close(ends[1]);
	if (read(ends[0], name, sizeof(name) - 1) == -1)
		return -1;
	close(ends[0]);
	waitpid(pid, NULL, 0);
	has_seccomp = strstr(name, "seccomp") != NULL;
	has_landlock = strstr(name, "landlock") != NULL;
	return has_seccomp || has_landlock || strcmp(name, "none") == 0 ?
	    0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_and_processes),
		cmocka_unit_test(sockets),
		cmocka_unit_test(files),
		cmocka_unit_test(what_a_worker_does),
		cmocka_unit_test(ports),
	};

	return cmocka_run_group_tests_name("sandbox", tests, look, NULL);
}
