# SPDX-License-Identifier: ISC

dist_man_MANS += \
	docs/man/hawser.1 \
	docs/man/hawser.conf.5 \
	docs/man/hawserd.8

dist_doc_DATA = \
	README.md \
	docs/ARCHITECTURE.md \
	docs/AUTHENTICATION.md \
	docs/BENCHMARKS.md \
	docs/FORWARDS.md \
	docs/FROM-SSH.md \
	docs/METRICS.md \
	docs/OPERATIONS.md \
	docs/RETRY.md \
	docs/SECURITY.md \
	docs/hawser.rules.yml
