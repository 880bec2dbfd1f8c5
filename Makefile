# SPDX-License-Identifier: MIT
# Forwards to GNUmakefile, which configure makes; configures first when needed.
# (GNU make prefers GNUmakefile, so this file is read only before that.)
.DEFAULT_GOAL = all
.POSIX:

all: GNUmakefile
	+@$(MAKE) -f GNUmakefile all

.DEFAULT:
	+@test -f GNUmakefile || $(MAKE) -f Makefile GNUmakefile
	+@$(MAKE) -f GNUmakefile $@

GNUmakefile: configure
	./configure

configure: configure.ac
	autoconf
