# SPDX-License-Identifier: MIT
#
# For installation: the library without assertions, of which only what the headers declare is to be seen, and the manual.
# What goes where is in scripts/install.

VERSION = 1.0
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
# Not exported: a make that a recipe starts is to have its own.
place = VERSION='$(VERSION)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' \
	MANDIR='$(MANDIR)' scripts/install

release = build/release
lib_headers = $(wildcard userlib/include/*.h)
manual = $(release)/man/epollx.4
manual_sources = $(wildcard userlib/man/*.[1-9])

# Who only installs has a compiler, and does not want what the tests take.
release_setup = $(if $(filter lib install uninstall,$(MAKECMDGOALS)),,setup)

lib: $(release)/libepollx.so.$(VERSION) $(release)/libepollx.a $(manual) ## the library for installation: shared, static; its manual

$(release)/obj/%.o: %.c Makefile scripts/install.mk | $(release_setup)
	@mkdir -p $(@D)
	@echo "  CC    $< (release)"
	@$(CC) $(flags) -fPIC -DNDEBUG $(CFLAGS) -c -o $@ $<

$(release)/libepollx.a: $(lib_sources:%.c=$(release)/obj/%.o)
	@rm -f $@
	@ar rcs $@ $^

$(release)/libepollx.so.$(VERSION): $(lib_sources:%.c=$(release)/obj/%.o) userlib/libepollx.map
	@echo "  LINK  $@"
	@$(CC) -shared -pthread -Wl,-soname,libepollx.so.1 -Wl,--version-script,userlib/libepollx.map -Wl,-z,defs -Wl,-z,now \
		-o $@ $(filter %.o,$^)

$(manual): userlib/man/from-headers $(manual_sources) $(lib_headers) $(wildcard uapi/linux/*.h) | $(release_setup)
	@rm -rf $(@D)
	@userlib/man/from-headers $(@D)

# A program as its user links it, for selftests/load_installed.sh.
$(out)/installed: userlib/tests/install.c $(release)/libepollx.so.$(VERSION)
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	@$(CC) $(flags) $(CFLAGS) -o $@ $^

install: lib preload ## library, tools, manual, module's source for DKMS: below DESTDIR and PREFIX (/usr/local)
	@$(place)

uninstall: lib ## takes away what make install has put there
	@$(place) --uninstall

# Public types as they are in the headers; the library's own, which nobody sees, are left out.
abi = abidw --no-show-locs --no-corpus-path --no-comp-dir-path --drop-private-types --headers-dir userlib/include

$(release)/libepollx.abi: $(release)/libepollx.so.$(VERSION)
	@$(abi) --out-file $@ $<

abi-accept: $(release)/libepollx.abi ## the library's ABI as it is now is the one that make test compares with
	@cp $< userlib/libepollx.abi
