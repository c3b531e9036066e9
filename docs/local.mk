# SPDX-License-Identifier: ISC

dist_man_MANS += \
	docs/man/hawser.1 \
	docs/man/hawser.conf.5 \
	docs/man/hawserd.8

# Samples, not read by anything: they are copied and changed.
dist_doc_DATA = \
	README.md \
	docs/ARCHITECTURE.md \
	docs/AUTHENTICATION.md \
	docs/FORWARDS.md \
	docs/FROM-SSH.md \
	docs/SECURITY.md \
	conf.d/fleet.yaml.sample \
	conf.d/home-server.conf.sample \
	conf.d/operator.conf.sample
