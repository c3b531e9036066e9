# SPDX-License-Identifier: ISC
"""A configuration means to hawser what it means to ssh: hawser show and
ssh -G print the same lines, and refuse the same files."""

import glob
import os
import shutil
import tempfile

import pytest

from lib import oracle

pytestmark = pytest.mark.netns

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.environ.get("HAWSER_CORPUS") or os.path.join(
    HERE, "..", "..", "..", "shared", "corpus")
FILES = sorted(glob.glob(os.path.join(CORPUS, "*.conf")))


@pytest.fixture(scope="module", params=oracle.judges(),
                ids=lambda ssh: f"openssh-{oracle.version(ssh)}")
def asker(request):
    folder = tempfile.mkdtemp(prefix="hw-oracle-")
    yield oracle.Asker(folder, request.param)
    shutil.rmtree(folder)


def compare(asker, pairs, environment=None):
    wrong = []
    judged = asker.ssh(pairs, environment)
    ours = asker.show(pairs, environment)
    assert len(judged) == len(ours) == len(pairs)
    for (path, name), theirs, mine in zip(pairs, judged, ours):
        found = oracle.differences(theirs, mine)
        if found:
            with open(path, "rb") as f:
                text = f.read(300)
            wrong.append((text, name, found))
    return wrong


def is_foreign(asker, text):
    """Does it use what the judge doesn't know yet, or no longer?"""
    lower = text.lower()
    return (asker.version < 9.4 and b"tagged" in lower) or (
        asker.version >= 10 and b"ssh-dss" in lower)


@pytest.mark.skipif(not FILES, reason="the corpus of real files isn't here")
@pytest.mark.parametrize("part", range(4))
def test_real_files(asker, part):
    pairs = []
    for path in FILES[part::4]:
        with open(path, "rb") as f:
            text = f.read()
        if is_foreign(asker, text):
            continue
        mine = asker.put(os.path.basename(path), text)
        for name in oracle.names_of(text) + ["name-in-no-file"]:
            pairs.append((mine, name))
    assert len(pairs) > 50
    assert compare(asker, pairs) == []


def lines(change):
    return lambda text: b"\n".join(change(x) for x in text.split(b"\n"))


def split_first(line):
    head = line.lstrip(b" \t")
    words = head.split(None, 1)
    plain = (len(words) == 2 and not head.startswith(b"#") and
             b"=" not in words[0] and b'"' not in words[0] and
             words[0].lower() != b"match")
    return (line[:len(line) - len(head)], words) if plain else (None, None)


def upper(line):
    indent, words = split_first(line)
    return line if words is None else \
        indent + words[0].upper() + b" " + words[1]


def equals(sign):
    def change(line):
        indent, words = split_first(line)
        return line if words is None else \
            indent + words[0] + sign + words[1].lstrip()
    return change


REWRITINGS = {
    "crlf": lines(lambda x: x + b"\r"),
    "upper": lines(upper),
    "unindented": lines(lambda x: x.lstrip(b" \t")),
    "tabs": lines(lambda x: b"\t" + x.lstrip(b" \t")),
    "trailing": lines(lambda x: x + b" \t\f"),
    "equals": lines(equals(b"=")),
    "spaced": lines(equals(b" = ")),
    "between": lambda text: text.replace(b"\n", b"\n\n# comment\n"),
    "no-end": lambda text: text.rstrip(b"\n"),
}


@pytest.fixture(scope="module")
def plain(asker):
    """Each real file, a name in it, and what hawser says of the two."""
    pairs, texts = [], []
    for path in FILES:
        with open(path, "rb") as f:
            text = f.read()
        names = oracle.names_of(text)
        texts.append(text)
        pairs.append((asker.put(f"plain-{len(pairs)}", text),
                      names[-1] if names else "name-in-no-file"))
    return list(zip(texts, pairs, asker.show(pairs)))


@pytest.mark.skipif(not FILES, reason="the corpus of real files isn't here")
@pytest.mark.parametrize("how", REWRITINGS)
def test_rewritings_change_nothing(asker, plain, how):
    changed = [(asker.put(f"{how}-{i}", REWRITINGS[how](text)), name)
               for i, (text, (_, name), _) in enumerate(plain)]
    for pair, (_, _, one), other in zip(changed, plain, asker.show(changed)):
        assert (pair, one.code, one.values) == (pair, other.code, other.values)


# One line, or several, that say something in an unusual way.
SNIPPETS = r"""
Port 22
Port=2222
Port = 2222
Port == 2222
Port	2222
"Port" 2222
Po"rt" 2222
Port "2222"
Port '2222'
Port 2222 # comment
Port 2222# comment
Port ssh
Port nosuchservice
Port 0
Port 65536
Port -1
Port 22 23
Port ""
Port
=Port 22
User a b
User "a b"
User 'a b'
User a\ b
User a\\b
User "a\ b"
User a"b c"d
User "a
User 'a
"User a
User ""
HostName %h.example
HostName %%h
HostName %n
HostName UPPER.example
HostName 127.1
HostName 0x7f.1
HostName ::1
HostName 0:0:0:0:0:0:0:1
HostName fe80::1%lo
HostKeyAlias UPPER
IdentityFile a
IdentityFile ~/a\nIdentityFile ~/b\nIdentityFile ~/a
IdentityFile none
IdentityFile "a b"
IdentityFile a b
CertificateFile ~/c\nCertificateFile ~/d
UserKnownHostsFile a b c
UserKnownHostsFile "a b" c
UserKnownHostsFile none
UserKnownHostsFile none a
UserKnownHostsFile a none
UserKnownHostsFile ~/x /%h/%n/%p/%r/%u/%L/%l/%i/%d/%k/%%
UserKnownHostsFile /%C
UserKnownHostsFile /%x
UserKnownHostsFile /%
UserKnownHostsFile ${HOME}/x
UserKnownHostsFile ${NOT_SET}/x
UserKnownHostsFile ${HOME
UserKnownHostsFile ~nobody/x
UserKnownHostsFile ~nosuchuser/x
UserKnownHostsFile ~/.ssh/known_hosts
UserKnownHostsFile # nothing
GlobalKnownHostsFile ~/x /y
GlobalKnownHostsFile none
StrictHostKeyChecking yes
StrictHostKeyChecking off
StrictHostKeyChecking Accept-New
StrictHostKeyChecking maybe
ConnectTimeout 5
ConnectTimeout 1m
ConnectTimeout 1h30m5
ConnectTimeout none
ConnectTimeout none\nConnectTimeout 7
ConnectTimeout 1x
ConnectTimeout 0
ServerAliveInterval 1w
ServerAliveInterval none
ServerAliveCountMax 0
ServerAliveCountMax -1
ServerAliveCountMax 1x
BatchMode yes
BatchMode true
BatchMode YES
BatchMode 1
BatchMode yes\nServerAliveInterval 5
Compression yes
Compression true
LogLevel debug1
LogLevel QUIET
LogLevel loud
SyslogFacility local3
AddressFamily INET6
AddressFamily ipv4
LocalForward 8080 h:80
LocalForward 8080 h:80\nLocalForward 8080 h:80
LocalForward 8080 h:80\nLocalForward 8080 i:80
LocalForward *:8080 h:80
LocalForward :8080 h:80
LocalForward []:8080 h:80
LocalForward [::1]:8080 [::2]:80
LocalForward ::1:8080 h:80
LocalForward 127.0.0.1:8080 h:80
LocalForward 8080:h:80
LocalForward 8080 h
LocalForward 8080 h/80
LocalForward 8080/h/80
LocalForward 8080 h:80 x
LocalForward 8080 "h:80"
LocalForward "8080" h:80
LocalForward 8080 h:80:
LocalForward 8080 :80
LocalForward 8080 h:0
LocalForward 0 h:80
LocalForward 8080 [h]:80
LocalForward [8080] h:80
LocalForward 8080 [h:80
LocalForward 8080 [h]x:80
LocalForward 8080 h\:80
LocalForward 80\80 h:80
LocalForward http h:https
LocalForward 8080 /run/s
LocalForward a:8080 /run/s
LocalForward /run/l /run/s
LocalForward /run/l h:80
LocalForward /run/%h/%r /run/%n
LocalForward /run/%x h:80
LocalForward 8080 ${HOME}/s
LocalForward 8080 ${NOT_SET}/s
LocalForward 8080
RemoteForward 0 h:80
RemoteForward 9091
RemoteForward a:9091
RemoteForward /run/l
RemoteForward /run/l:/run/s
RemoteForward 80:h:81
RemoteForward /run/l /run/s
RemoteForward *:1 [::1]:2
RemoteForward 1 h:2\nDynamicForward 3\nLocalForward 4 h:5
DynamicForward 1080
DynamicForward a:1080
DynamicForward *:1080
DynamicForward [::1]:1080
DynamicForward 0
DynamicForward 1080 x
DynamicForward h:1080:x
ClearAllForwardings yes\nLocalForward 1 h:2\nTunnel yes
GatewayPorts yes\nLocalForward 1 h:2
ProxyCommand nc %h %p
ProxyCommand  nc  "%h"   # not a comment
ProxyCommand = nc
ProxyCommand none
ProxyCommand "nc
ProxyCommand a\nProxyJump b
ProxyJump a\nProxyCommand b
ProxyJump none\nProxyJump b
ProxyCommand none\nProxyJump b
ProxyJump u@a:22
ProxyJump a,b,c
ProxyJump a,,b
ProxyJump ssh://u@a:22
ProxyJump ssh://a/
ProxyJump ssh://a/path
ProxyJump [::1]:22
ProxyJump ::1
ProxyJump 10.0.0.1
ProxyJump a:
ProxyJump @a
ProxyJump a # comment
ProxyJump a b
KnownHostsCommand /x %h
LocalCommand echo "%h" # x
RemoteCommand echo %h %r
RemoteCommand echo %x
RemoteCommand none
ControlPath ~/c/%C
ControlPath ~/c/%r@%h:%p
ControlPath none
ControlPath %x
ControlPersist yes
ControlPersist 10m
ControlPersist 0
ControlPersist maybe
ControlMaster autoask
IdentityAgent none
IdentityAgent SSH_AUTH_SOCK
IdentityAgent $FOO
IdentityAgent $FO-O
IdentityAgent ${HOME}/s
IdentityAgent ${NOT_SET}/s
IdentityAgent ~/s
ForwardAgent yes
ForwardAgent $FOO
ForwardAgent /x
AddKeysToAgent yes
AddKeysToAgent confirm 1h
AddKeysToAgent 1h
AddKeysToAgent yes 1h
AddKeysToAgent sometimes
SendEnv A B*
SendEnv A\nSendEnv A
SendEnv A B AB\nSendEnv -A*
SendEnv A=B
SetEnv A=1 B=2 A=3
SetEnv A=1\nSetEnv B=2
SetEnv A
SetEnv "A=1 2"
PermitRemoteOpen any
PermitRemoteOpen a:1 b:*
PermitRemoteOpen none
PermitRemoteOpen a
PermitRemoteOpen none a:1
Ciphers aes128-ctr
Ciphers +aes128-ctr
Ciphers -aes*
Ciphers rot13
Ciphers aes128-ctr,rot13
MACs hmac-sha2-256
MACs hmac-foo
KexAlgorithms curve25519-sha256
KexAlgorithms ^foo
HostKeyAlgorithms ssh-ed25519
HostKeyAlgorithms nosuch*
PubkeyAcceptedKeyTypes +ssh-rsa
HostbasedKeyTypes ssh-ed25519
CASignatureAlgorithms ssh-ed25519
RekeyLimit 1G
RekeyLimit 1G 1h
RekeyLimit default none
RekeyLimit 1.5M
RekeyLimit 1G\nRekeyLimit 2G 1h
RekeyLimit 8
RekeyLimit 1X
RekeyLimit 1G 2x
IPQoS af21 cs1
IPQoS lowdelay
IPQoS 7
IPQoS le
IPQoS none
IPQoS 256
IPQoS foo
EscapeChar ^A
EscapeChar none
EscapeChar ~
EscapeChar %
EscapeChar ab
EscapeChar ^^
TunnelDevice any
TunnelDevice 1:2
TunnelDevice 1
TunnelDevice x
Tunnel ethernet
StreamLocalBindMask 0111
StreamLocalBindMask 9
StreamLocalBindMask 01777
StreamLocalBindUnlink yes
FingerprintHash md5
FingerprintHash foo
RequestTTY force
SessionType none
PubkeyAuthentication host-bound
VerifyHostKeyDNS ask
VerifyHostKeyDNS yes
UpdateHostKeys ask
UpdateHostKeys ask\nRequestTTY no
UpdateHostKeys ask\nLogLevel ERROR
UpdateHostKeys ask\nControlPath x\nControlPersist yes
UpdateHostKeys ask\nRemoteCommand x
CanonicalDomains A.example. b
CanonicalDomains none
CanonicalDomains a none
CanonicalDomains a..b
CanonicalDomains -a
ProxyCommand x\nCanonicalizePermittedCNAMEs *.A:*.b
CanonicalizePermittedCNAMEs none
CanonicalizePermittedCNAMEs x
CanonicalizeMaxDots 2
RevokedHostKeys none
RevokedHostKeys /x
SecurityKeyProvider none
PKCS11Provider none
PreferredAuthentications publickey,password
KbdInteractiveDevices bsdauth
BindAddress 1.2.3.4
BindInterface lo
LogVerbose a b
LogVerbose none a
NumberOfPasswordPrompts 0
ConnectionAttempts 3
RequiredRSASize 2048
EnableEscapeCommandline yes
KeepAlive no
ProtocolKeepAlives 5
ChallengeResponseAuthentication no
DSAAuthentication no
IdentityFile2 ~/x
Protocol 1,2
Cipher blowfish
UseRoaming no
RSAAuthentication yes
CompressionLevel 9
GSSAPIAuthentication yes
GSSAPIClientIdentity x
Foo bar
IgnoreUnknown Foo\nFoo bar
IgnoreUnknown F*,!Foo\nFoo bar
Foo bar\nIgnoreUnknown Foo
IgnoreUnknown foo\nFOO "bar
Host x\nIgnoreUnknown Foo\nHost *\nFoo bar
Host vps\nPort 3
Host VPS\nPort 3
Host v*\nPort 3
Host v?s\nPort 3
Host !vps *\nPort 3
Host * !vps\nPort 3
Host a vps\nPort 3
Host "vps"\nPort 3
Host a,vps\nPort 3
Host ""\nPort 3
Host # nothing\nPort 3
Host vps # comment\nPort 3
Host=vps\nPort=3
Host vps\nPort 3\nHost *\nPort 4\nUser u
Match all\nPort 3
Match all user x\nPort 3
Match user x all\nPort 3
Match !all\nPort 3
Match host vps\nPort 3
Match host VPS\nPort 3
Match host=vps\nPort 3
Match host "vps"\nPort 3
Match host vps,a\nPort 3
Match host *,!vps\nPort 3
Match !host vps\nPort 3
Match host\nPort 3
Match\nPort 3
Match # x\nPort 3
Match nosuch x\nPort 3
Match originalhost vps\nPort 3
HostName a.example\nMatch host a.example\nPort 3
HostName a.example\nMatch originalhost vps\nPort 3
HostName %h.example\nMatch host vps.example\nPort 3
Match user nobody\nPort 3
User x\nMatch user x\nPort 3
User x\nMatch user x localuser nobody\nPort 3
Match localuser nob*\nPort 3
Match user x,nobody\nPort 3
Match final\nPort 3
Match !final\nPort 3
Match canonical\nPort 3
Match final all\nPort 3
Match final host vps\nPort 3\nMatch host vps\nUser u
HostName A.example\nMatch final host a.example\nPort 3
HostName a.example\nHost a.example\nPort 3\nMatch final\nUser x
Match final\nIdentityFile a\nSendEnv A
SendEnv A\nIdentityFile b\nMatch final\nPort 3
CanonicalizeHostname yes\nMatch canonical\nPort 3
CanonicalizeHostname none\nPort 3
Match exec true\nPort 3
Match exec false\nPort 3
Match !exec false\nPort 3
Match exec "test %h = vps"\nPort 3
Match exec "test %n-%p-%r-%u = vps-22-nobody-nobody"\nPort 3
Match exec "test -n %x"\nPort 3
Match host a exec "exit 1"\nPort 3
Match host vps # comment\nPort 3
Match host vps user "nobody" # comment\nPort 3
Include nothing-here
Include /nothing/here
Include "/nothing/a b" /x
Include ""
Include # nothing
Include
Port 3\f
\fPort 3
Port\f3
"""

NEW_SNIPPETS = r"""
Tag blue\nMatch tagged blue\nPort 3
Tag blue\nMatch tagged red\nPort 3
Match tagged ""\nPort 3
ObscureKeystrokeTiming no
ObscureKeystrokeTiming interval:50
ObscureKeystrokeTiming often
ChannelTimeout session=5m
ChannelTimeout none
Match localnetwork 192.0.2.0/24\nPort 3
Match command ""\nPort 3
UserKnownHostsFile /%j\nProxyJump u@a:1
UserKnownHostsFile /%C\nProxyJump u@a:1
ProxyJump none\nProxyCommand b
User a"b
User "a;b"
User -a
User "a -b"
User a\
User ~/x
User %h-%p-%n-%i-%j-%k-%L-%l-%d-%u-%%
User %r
User %C
User ${HOME}
User ${NOT_SET}
User %u\nMatch user nobody\nPort 3
Match host 'vps'\nPort 3
Match host = vps\nPort 3
Match host vps=\nPort 3
Match all=\nPort 3
Match tagged *\nPort 3
Match !tagged ""\nPort 3
Tag x\nMatch tagged ""\nPort 3
Match command *\nPort 3
Match localnetwork 127.0.0.1/8\nPort 3
Match localnetwork foo\nPort 3
Match localnetwork 127.0.0.0/8,!127.0.0.1/32\nPort 3
"""


def snippets(text):
    return [s.encode().decode("unicode_escape").replace("\\\\", "\\")
            if "\\x" in s or "\\f" in s else
            s.replace("\\n", "\n") for s in text.split("\n") if s]


def ask_about(asker, text):
    pairs = []
    for i, snippet in enumerate(snippets(text)):
        pairs.append((asker.put(f"s{i}", snippet + "\n"), "vps"))
    return compare(asker, pairs, {"FOO": "/foo"})


def test_unusual_lines(asker):
    assert ask_about(asker, SNIPPETS) == []


def test_unusual_lines_of_new_versions(asker):
    if asker.version < 10:
        pytest.skip("the judge is too old")
    assert ask_about(asker, NEW_SNIPPETS) == []
