# SPDX-License-Identifier: ISC
#
# Samples of the configuration, and what service managers need. Those of
# systemd are installed where configure's --with-systemdsystemunitdir says.

dist_doc_DATA += \
	conf.d/fleet.yaml.sample \
	conf.d/home-server.conf.sample \
	conf.d/operator.conf.sample \
	conf.d/systemd/hawserd.socket.sample \
	conf.d/systemd/low-ports.conf

unit_sources = \
	conf.d/openrc/hawserd.in \
	conf.d/systemd/hawserd.service.in \
	conf.d/systemd/hawserd-user.service.in \
	conf.d/systemd/tmpfiles.conf.in
units = $(unit_sources:.in=)
EXTRA_DIST += \
	$(unit_sources) \
	conf.d/systemd/sysusers.conf
CLEANFILES += $(units)
doc_DATA = conf.d/openrc/hawserd

$(units): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed -e 's|@bindir[@]|$(bindir)|g' \
	    -e 's|@sbindir[@]|$(sbindir)|g' \
	    -e 's|@sysconfdir[@]|$(sysconfdir)|g' \
	    $(srcdir)/$@.in >$@.new && mv $@.new $@

if SYSTEMD_UNITS
all-local: $(units)

install-data-local: $(units)
	$(MKDIR_P) $(DESTDIR)$(systemunitdir) $(DESTDIR)$(userunitdir) \
	    $(DESTDIR)$(sysusersdir) $(DESTDIR)$(tmpfilesdir)
	$(INSTALL_DATA) conf.d/systemd/hawserd.service \
	    $(DESTDIR)$(systemunitdir)/hawserd.service
	$(INSTALL_DATA) conf.d/systemd/hawserd-user.service \
	    $(DESTDIR)$(userunitdir)/hawserd.service
	$(INSTALL_DATA) $(srcdir)/conf.d/systemd/sysusers.conf \
	    $(DESTDIR)$(sysusersdir)/hawser.conf
	$(INSTALL_DATA) conf.d/systemd/tmpfiles.conf \
	    $(DESTDIR)$(tmpfilesdir)/hawser.conf

uninstall-local:
	rm -f $(DESTDIR)$(systemunitdir)/hawserd.service \
	    $(DESTDIR)$(userunitdir)/hawserd.service \
	    $(DESTDIR)$(sysusersdir)/hawser.conf \
	    $(DESTDIR)$(tmpfilesdir)/hawser.conf
endif
