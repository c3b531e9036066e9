# SPDX-License-Identifier: ISC

EXTRA_DIST += \
	tests/bench/bench.py \
	tests/bench/bench_config.py \
	tests/bench/delay.c \
	tests/bench/traffic.c \
	tests/e2e/conftest.py \
	tests/e2e/lib/__init__.py \
	tests/e2e/lib/agent.py \
	tests/e2e/lib/hawserd.py \
	tests/e2e/lib/hostile.py \
	tests/e2e/lib/netns.py \
	tests/e2e/lib/oracle.py \
	tests/e2e/lib/peer.py \
	tests/e2e/lib/ports.py \
	tests/e2e/lib/proc.py \
	tests/e2e/lib/proxy.py \
	tests/e2e/lib/servers.py \
	tests/e2e/lib/socks.py \
	tests/e2e/lib/ssh_server.py \
	tests/e2e/lib/sshd.py \
	tests/e2e/lib/textlog.py \
	tests/e2e/lib/wait.py \
	tests/e2e/lib/worker.py \
	tests/e2e/pytest.ini \
	tests/e2e/test_auth.py \
	tests/e2e/test_auth_methods.py \
	tests/e2e/test_classes.py \
	tests/e2e/test_cli.py \
	tests/e2e/test_control.py \
	tests/e2e/test_deadlines.py \
	tests/e2e/test_dial.py \
	tests/e2e/test_entry.py \
	tests/e2e/test_faults.py \
	tests/e2e/test_hostile.py \
	tests/e2e/test_hostile_server.py \
	tests/e2e/test_hostkeys.py \
	tests/e2e/test_input.py \
	tests/e2e/test_matrix.py \
	tests/e2e/test_oracle.py \
	tests/e2e/test_sandbox.py \
	tests/e2e/test_scenarios.py \
	tests/e2e/test_socks.py \
	tests/e2e/test_transfer.py \
	tests/e2e/test_truth.py \
	tests/e2e/test_worker.py \
	tests/e2e/test_yaml.py
