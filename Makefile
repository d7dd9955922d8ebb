# SPDX-License-Identifier: MIT
#
# Everything that can be done here, by name; `make help` lists it. The work is in scripts/, which can be called by
# themselves; this file only builds the programs that run in the VM and knows what needs what.
#
#   KERNEL=6.1|6.12|debug-6.1|debug-6.12   the kernel for run, shell, module, trace, bench (default 6.1)
#
# The kernel module itself is built from Kbuild, by scripts/build-module.

KERNEL ?= 6.1
OPS ?= 1000000

CC ?= gcc
CFLAGS ?= -O2 -g
flags = -std=gnu11 -Wall -Wextra -pthread -Iuapi -Iuserlib/include -Iuserlib -Iselftests -MMD -MP
comma = ,
libraries = -Wl,--as-needed -luring -Wl,--no-as-needed

out = build/bin
out32 = build/bin32
objects = build/obj

# What a test program is linked with, as a library, so that a program with a main() of its own leaves the harness's
# alone: the harness, its helpers and the thin wrappers around the ioctls.
common = $(filter-out %_test.c,$(wildcard selftests/*.c)) $(wildcard userlib/src/*.c)
tests = $(patsubst selftests/%.c,%,$(wildcard selftests/*_test.c))
# One program for each of these directories that has a source in it.
suites = $(foreach name,stress bench oracle,$(if $(wildcard selftests/$(name)/*.c),$(name)))

# What epollx-run loads into programs, for both word sizes; $LIB in LD_PRELOAD finds either.
preload = build/lib/libepollx-preload.so
preload32 = build/lib32/libepollx-preload.so
preload_sources = $(wildcard userlib/preload/*.c) userlib/src/raw.c
# Every symbol but the six is ours alone, and none is bound while the program runs.
preload_flags = -fPIC -fvisibility=hidden -Iuserlib/src

# The library: the thin wrappers, and the executor with all that is around it. Its tests run on the host, too.
lib_sources = $(wildcard $(addprefix userlib/,src/*.c core/*.c backend/*.c around/*.c))
lib_tests = $(patsubst userlib/tests/%.c,$(out)/lib/%,$(wildcard userlib/tests/*_test.c))

examples = $(addprefix $(out)/examples/,echo ticker http chat proxy tail supervisor cores glib)

# Event loops that the benchmarks compare: libepollx and its peers in C, and two in other languages, whose compilers
# only the benchmarks need.
loops = $(addprefix $(out)/loops/,epollx uv event ev timerfd)
loops_foreign = $(addprefix $(out)/loops/,go tokio)
loops_objects = $(addprefix $(objects)/selftests/bench/loops/,$(addsuffix .o,$(1)))
loops_peer = $(call loops_objects,driver callback threads net $(1))

programs = $(addprefix $(out)/,$(tests) $(suites) apps-load apps-curl) $(lib_tests) $(examples) $(loops)
programs32 = $(addprefix $(out32)/,$(tests))
# For the tests of epollx-run: a program, as those that it cannot reach are built, too; and the kernel's own test.
preload_tests = $(out)/preload_probe $(out32)/preload_probe $(out)/preload_probe_static $(out)/preload_probe_go \
	build/lib/preload_early.so build/lib32/preload_early.so build/lib/preload_raw_calls.so $(out)/epoll_wakeup

MAKEFLAGS += --no-builtin-rules -j$(shell nproc)

.PHONY: help run test check check-models shell bench bench-accept scale targets soak oracle mutants test-fresh semantics trace clean module tools lib lib-tests loops install uninstall abi-accept preload setup setup-peers apps
.DEFAULT_GOAL := help
.SECONDARY:

help: ## this list
	@echo "epollx: epoll as a loadable module.  make TARGET [KERNEL=6.1|6.12|debug-6.1|debug-6.12]"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "  %-12s %s\n", $$1, $$2 }'

run: module tools ## boots the VM and compares epollx with epoll: behaviour, cost, a server, examples, a journey
	@scripts/report --kernel $(KERNEL)

test: tools ## all suites on all four kernels
	@scripts/run-tests

check: tools ## the static checks: checkpatch, sparse, shellcheck, layers, barriers, ...
	@scripts/check

check-models: setup ## the lock-free protocols in spin, with store buffers; each fence taken out must be missed
	@scripts/check-models

shell: module tools ## an interactive shell in the VM, module loaded
	@scripts/vm --kernel $(KERNEL) --shell || [ $$? -lt 124 ]

bench: module tools loops ## [B=NAME]: all benchmarks (or those whose name begins so), with all peers; tables and a page
	@scripts/report --kernel $(KERNEL) --full $(if $(B),--only $(B))

bench-accept: tools ## the instruction counts as they are now are those that make test compares with
	@scripts/bench-accept

scale: module tools ## one instance from 10 watches to ten million (12 GiB of memory)
	@scripts/scale --kernel $(KERNEL)

targets: module tools ## the figures that are to be reached: met or missed
	@scripts/targets

soak: tools ## the races with their full counts; goes on where it stopped
	@scripts/soak

oracle: tools ## OPS=N [SEED=S]: random programs on native epoll and epollx, compared; adds up
	@scripts/oracle --kernel $(KERNEL) --ops $(OPS) $(if $(SEED),--seed $(SEED))

mutants: tools ## breaks the module on purpose; every break must turn a test red
	@scripts/mutants

apps: module tools ## redis, nginx, memcached, haproxy, node, asyncio, curl: each on native epoll and on epollx
	@scripts/apps --kernel $(KERNEL)

semantics: tools ## each point of behaviour, its tests, and how both sides do
	@scripts/semantics

trace: module tools ## the journey of one event, from the wake callback to user space
	@scripts/trace --kernel $(KERNEL)

test-fresh: setup ## make run and make test in a bare Debian with nothing installed
	@scripts/test-fresh

module: setup ## the module and the tests' own one, for KERNEL
	@scripts/build-module $(KERNEL)

tools: $(programs) $(programs32) preload $(preload_tests) lib $(out)/installed ## the programs that run in the VM

lib-tests: $(lib_tests) ## the library's tests alone; they run on the host: build/bin/lib/*_test

loops: tools $(loops_foreign) ## the event loops of the benchmarks, those in Go and Rust as well

preload: $(preload) $(preload32) ## the library that epollx-run puts under programs, for 64 and 32 bits

setup: ## installs what is missing, fetches the stock kernels and the servers of make apps
	@scripts/setup

setup-peers: setup ## and the compilers that only benchmarks need
	@scripts/setup --peers

clean: ## removes build/
	rm -rf build

$(objects)/%.o: %.c Makefile | setup
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(flags) $(CFLAGS) -c -o $@ $<

$(objects)32/%.o: %.c Makefile | setup
	@mkdir -p $(@D)
	@echo "  CC32  $<"
	@$(CC) -m32 -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 $(flags) $(CFLAGS) -c -o $@ $<

$(objects)/common.a: $(common:%.c=$(objects)/%.o)
$(objects)32/common.a: $(common:%.c=$(objects)32/%.o)
$(objects)/common.a $(objects)32/common.a:
	@rm -f $@
	@ar rcs $@ $^

$(objects)/libepollx.a: $(lib_sources:%.c=$(objects)/%.o)
	@rm -f $@
	@ar rcs $@ $^

define link
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(1) -pthread -o $@ $^ $(2)
endef

$(out)/%_test: $(objects)/selftests/%_test.o $(objects)/common.a
	$(call link,,$(libraries))

lib_harness = $(addprefix $(objects)/userlib/tests/,lib.o starve.o) $(objects)/libepollx.a
starve = -Wl$(comma)--wrap=malloc$(comma)--wrap=calloc$(comma)--wrap=realloc

$(out)/lib/%_test: $(objects)/userlib/tests/%_test.o $(lib_harness)
	$(call link,$(starve),)

# What GLib takes is asked for when it is needed: it comes with setup.
glib_objects = $(patsubst %,$(objects)/userlib/%.o,examples/glib_source examples/glib tests/glib_test)
$(glib_objects): flags += -Iuserlib/examples $(shell pkg-config --cflags glib-2.0)

$(out)/lib/glib_test: $(patsubst %,$(objects)/userlib/%.o,tests/glib_test examples/glib_source) $(lib_harness)
	$(call link,$(starve),$(shell pkg-config --libs glib-2.0))

$(out)/examples/glib: $(patsubst %,$(objects)/userlib/examples/%.o,glib glib_source) $(objects)/libepollx.a
	$(call link,,$(shell pkg-config --libs glib-2.0))

$(out)/examples/%: $(objects)/userlib/examples/%.o $(objects)/examples.a $(objects)/libepollx.a
	$(call link,,)

$(objects)/examples.a: $(patsubst %,$(objects)/userlib/examples/%.o,serve http_request)
	@rm -f $@
	@ar rcs $@ $^

$(out32)/%_test: $(objects)32/selftests/%_test.o $(objects)32/common.a
	$(call link,-m32,)

$(out)/stress: $(patsubst %.c,$(objects)/%.o,$(wildcard selftests/stress/*.c)) $(objects)/common.a
	$(call link,,$(libraries))

$(out)/oracle: $(patsubst %.c,$(objects)/%.o,$(wildcard selftests/oracle/*.c)) $(objects)/common.a
	$(call link,,)

$(out)/bench: $(patsubst %.c,$(objects)/%.o,$(wildcard selftests/bench/*.c)) $(objects)/common.a
	$(call link,,$(libraries) -levent_core -luv -lm)

$(out)/loops/epollx: $(call loops_objects,driver epollx epollx_threads epollx_net) $(objects)/libepollx.a
	$(call link,,)

$(out)/loops/uv: $(call loops_peer,uv)
	$(call link,,-luv)

$(out)/loops/event: $(call loops_peer,event rawio)
	$(call link,,-levent_core -levent_pthreads)

$(out)/loops/ev: $(call loops_peer,ev rawio)
	$(call link,,-lev)

$(out)/loops/timerfd: $(call loops_objects,driver timerfd)
	$(call link,,)

$(out)/loops/go: selftests/bench/loops/go/main.go Makefile | setup-peers
	@mkdir -p $(@D)
	@echo "  GO    $@"
	@GO111MODULE=off GOCACHE=$(CURDIR)/build/go go build -o $@ $<

# From Debian's packages alone, with Debian's compiler.
$(out)/loops/tokio: $(addprefix selftests/bench/loops/tokio/,main.rs Cargo.toml) Makefile | setup-peers
	@mkdir -p $(@D) build/tokio
	@echo "  CARGO $@"
	@cp $(filter %.rs %.toml,$^) build/tokio
	@cd build/tokio && PATH=/usr/bin:/bin CARGO_HOME=$(CURDIR)/build/tokio/home cargo build --quiet --offline --release \
		--config 'source.crates-io.replace-with="debian"' --config 'source.debian.directory="/usr/share/cargo/registry"'
	@cp build/tokio/target/release/tokio $@

$(out)/apps-load: $(objects)/selftests/apps/load.o $(objects)/selftests/apps/connection.o
	$(call link,,)

$(out)/apps-curl: $(objects)/selftests/apps/curl.o
	$(call link,,-lcurl)

$(objects)/preload/%.o: %.c Makefile | setup
	@mkdir -p $(@D)
	@echo "  CC    $< (preload)"
	@$(CC) $(flags) $(preload_flags) $(CFLAGS) -c -o $@ $<

$(objects)32/preload/%.o: %.c Makefile | setup
	@mkdir -p $(@D)
	@echo "  CC32  $< (preload)"
	@$(CC) -m32 -D_FILE_OFFSET_BITS=64 $(flags) $(preload_flags) $(CFLAGS) -c -o $@ $<

$(preload): $(preload_sources:%.c=$(objects)/preload/%.o)
	$(call link,-shared -Wl$(comma)-z$(comma)now -Wl$(comma)-z$(comma)defs,)
	@ln -sfn . $(@D)/x86_64-linux-gnu
	@ln -sfn ../lib32 $(@D)/i386-linux-gnu

$(preload32): $(preload_sources:%.c=$(objects)32/preload/%.o)
	$(call link,-m32 -shared -Wl$(comma)-z$(comma)now -Wl$(comma)-z$(comma)defs,)

$(out)/preload_probe: $(objects)/selftests/preload/probe.o
	$(call link,,)

$(out)/preload_probe_static: $(objects)/selftests/preload/probe.o
	$(call link,-static,)

$(out32)/preload_probe: $(objects)32/selftests/preload/probe.o
	$(call link,-m32,)

$(out)/preload_probe_go: selftests/preload/probe.c Makefile | setup
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) -std=gnu11 -Wall -Wextra $(CFLAGS) -DGO_NOTE -o $@ $<

build/lib/preload_%.so: $(objects)/preload/selftests/preload/%.o
	$(call link,-shared,)

build/lib32/preload_%.so: $(objects)32/preload/selftests/preload/%.o
	$(call link,-m32 -shared,)

# Not optimised, as the kernel builds it: its threads look at plain variables.
$(out)/epoll_wakeup: selftests/preload/libc_calls.h scripts/check.d/kernel-tools Makefile | setup
	@mkdir -p $(@D)
	@echo "  CC    $@ (the kernel's)"
	@from=$$(scripts/check.d/kernel-tools)/tools/testing/selftests/filesystems/epoll && \
		$(CC) -O0 -g -pthread -include $< -o $@ $$from/epoll_wakeup_test.c

# What make install puts somewhere, and how.
include scripts/install.mk

-include $(shell find build/obj build/obj32 build/release/obj $(objects) -name '*.d' 2>/dev/null | sort -u)
