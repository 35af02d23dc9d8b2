# make            build/envrun
# make check      the tests that need no engine (all of them: scripts/test)
# make install    DESTDIR and PREFIX as usual
# make analyze    gcc's static analyzer over everything
# make soak       kill envrun at SOAK_KILLS random moments, and SOAK_BOTH times its reaper too; stop and
#                 kill an engine at SOAK_LOSSES; stand SOAK_ENVIRONMENTS of one file up at once
# make bench      the main job and `config` against Docker Compose; what a record costs
# make fuzz       the fuzzers, FUZZ_SECONDS each
# V=1             show the commands
# BUILD=dir       where everything goes; SANITIZE=1 builds with ASan and UBSan; WERROR=1 as in CI

ifeq ($(origin CC),default)
CC        = gcc
endif
PREFIX   ?= /usr/local
BUILD    ?= build
SANITIZE ?=
WERROR   ?=
V        ?=

# $(call say,WHAT) names what is made; the command itself is shown with V=1.
quiet     = $(if $(V),,@)
say       = @$(if $(V),:,echo "  $(1) $@")

PACKAGES  = libcurl libcjson yaml-0.1 uuid libarchive expat libmd
VERSION  := 0.1.0

CPPFLAGS += -Isrc -Iinclude -I$(BUILD)/gen -D_GNU_SOURCE -DENVRUN_VERSION='"$(VERSION)"'
CFLAGS   ?= -O2 -g
CFLAGS   += -std=gnu17 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wvla -fstack-protector-strong -fstack-clash-protection -fPIE -MMD -MP
LDFLAGS  += -pie -Wl,-z,relro,-z,now
ifeq ($(SANITIZE),fuzzer)
CFLAGS   += -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -O1
LDFLAGS  += -fsanitize=fuzzer,address,undefined
else ifneq ($(SANITIZE),)
CFLAGS   += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1
LDFLAGS  += -fsanitize=address,undefined
else
CPPFLAGS += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
ifneq ($(WERROR),)
CFLAGS   += -Werror
endif
CFLAGS   += $(shell pkg-config --cflags $(PACKAGES))
LDLIBS   += $(shell pkg-config --libs $(PACKAGES))

FLOORS    = base event record junit graph loop engine spec plan run diagnose report replay cli
SOURCES   = $(filter-out src/cli/main.c,$(foreach floor,$(FLOORS),$(wildcard src/$(floor)/*.c)))
OBJECTS   = $(SOURCES:src/%.c=$(BUILD)/obj/%.o)
LIBRARY   = $(BUILD)/libenvrun.a
UNIT      = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
REAL      = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/real/test_*.c))

all: $(BUILD)/envrun

$(BUILD)/envrun: $(BUILD)/obj/cli/main.o $(LIBRARY)
	$(call say,link)
	$(quiet)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(quiet)$(AR) rcs $@ $^

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(call say,compile)
	$(quiet)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# Data that is part of the program: src/FLOOR/NAME.yaml becomes gen/NAME_yaml.inc, a list of bytes.
$(BUILD)/gen/%_yaml.inc: src/plan/%.yaml
	@mkdir -p $(@D)
	$(quiet)od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g' >$@

$(BUILD)/tests/%: tests/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,link)
	$(quiet)$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-missing-prototypes $(LDFLAGS) -o $@ $< $(LIBRARY) $(LDLIBS) -lcriterion

unit: $(UNIT)

# Tests of the engine floor against a real engine.
real: $(REAL)

$(BUILD)/obj/plan/kinds.o: $(BUILD)/gen/kinds_yaml.inc

# One compile per file; what it finds is an error.
ANALYZED  = $(SOURCES:src/%.c=$(BUILD)/analyzed/%)

$(BUILD)/analyzed/%: src/%.c
	@mkdir -p $(@D)
	$(call say,analyze)
	$(quiet)gcc $(CPPFLAGS) $(filter-out -O2,$(CFLAGS)) -O1 -fanalyzer -Werror -c -o /dev/null $<
	@touch $@

$(BUILD)/analyzed/plan/kinds: $(BUILD)/gen/kinds_yaml.inc

analyze: $(ANALYZED)

check: all unit
	@for test in $(UNIT); do $$test || exit 1; done

$(BUILD)/key_table: tests/docs/key_table.c $(LIBRARY)
	$(call say,link)
	$(quiet)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LIBRARY) $(LDLIBS)

# The table of keys in the documentation, from the program's own tables.
docs: $(BUILD)/key_table
	$(BUILD)/key_table >docs/keys.md

# Each fuzzer for so many seconds, beginning with our own files; what it finds is kept in the corpus.
FUZZ_SECONDS ?= 60
FUZZERS   = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

$(BUILD)/fuzz/%: tests/fuzz/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,link)
	$(quiet)$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-missing-prototypes $(LDFLAGS) -o $@ $< $(LIBRARY) $(LDLIBS)

fuzzers: $(FUZZERS)

fuzz:
	$(quiet)$(MAKE) CC=clang SANITIZE=fuzzer BUILD=$(BUILD)/fuzzing fuzzers
	@mkdir -p $(BUILD)/corpus/yaml
	@for file in environments/*/*.yaml tests/unit/data/spec/*.y*ml src/plan/kinds.yaml; do \
	    cp $$file $(BUILD)/corpus/yaml/$$(echo $$file | tr / _); done
	@for source in $(notdir $(basename $(wildcard tests/fuzz/fuzz_*.c))); do \
	    corpus=$(BUILD)/corpus/$${source#fuzz_}; mkdir -p $$corpus; echo "  fuzz $$source"; \
	    cp tests/fuzz/$${source#fuzz_}/* $$corpus 2>/dev/null; \
	    $(BUILD)/fuzzing/fuzz/$$source -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 \
	        -artifact_prefix=$$corpus- -print_final_stats=1 -verbosity=0 $$corpus || exit 1; done

# Side by side with Docker Compose, on the engine that answers.
bench: all
	tests/bench/shop.py $(BUILD)/envrun
	tests/bench/config.py $(BUILD)/envrun
	tests/bench/record.py $(BUILD)/envrun

# What runs long. The second needs root, and has an engine of its own.
SOAK_KILLS        ?= 500
SOAK_BOTH         ?= 200
SOAK_LOSSES       ?= 50
SOAK_ENVIRONMENTS ?= 100

soak: soak-kill soak-loss soak-side-by-side

soak-kill: all
	tests/soak/kill.py --envrun $(BUILD)/envrun --kills $(SOAK_KILLS) --both $(SOAK_BOTH)

soak-loss: all
	tests/soak/engine_loss $(BUILD)/envrun $(SOAK_LOSSES)

soak-side-by-side: all
	tests/soak/side_by_side.py --envrun $(BUILD)/envrun $(SOAK_ENVIRONMENTS)

install: all
	install -D -m 755 $(BUILD)/envrun $(DESTDIR)$(PREFIX)/bin/envrun
	install -D -m 644 docs/envrun.1 $(DESTDIR)$(PREFIX)/share/man/man1/envrun.1

clean:
	rm -rf $(BUILD)

.PHONY: all unit real check analyze docs fuzzers fuzz bench soak soak-kill soak-loss soak-side-by-side install clean
-include $(OBJECTS:.o=.d) $(BUILD)/obj/cli/main.d $(UNIT:=.d) $(REAL:=.d)
