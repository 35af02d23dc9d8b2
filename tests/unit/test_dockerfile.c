/* Which Dockerfiles the classic builder can build. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "engine/dockerfile.h"

#include <string.h>

TestSuite(dockerfile, .timeout = 20);

static const char *const plain[] = {
    "",
    "FROM x",
    "FROM --platform=linux/amd64 x AS base\nRUN a && b\n",
    "# syntax=docker/dockerfile:1\nFROM x\nRUN true\n",
    "# syntax = docker.io/docker/dockerfile-upstream:1.4\nFROM x\n",
    "FROM x\n# syntax=acme/frontend\n",
    "FROM x\nCOPY --from=base --chown=1:1 a b\nADD --chown=1 a b\n",
    "FROM x\nRUN command --mount=type=cache,target=/x\n",
    "FROM x\nRUN echo \\\n  --mount=type=cache\n",
    "FROM x\n# RUN --mount=type=cache true\nRUN true\n",
    "FROM x\nRUN true \\\n# RUN --mount=type=bind x\n  && RUN --mount\n",
    "# escape=`\nFROM x\nRUN dir c:\\\nRUN true\n",
    "FROM x\nRUN [\"sh\", \"-c\", \"cat <<EOF\"]\n",
    "FROM x\nRUN echo \"a <<EOF\" 'b <<EOF'\n",
    "FROM x\nRUN echo $((1<<2)) && cat <<<word\n",
    "FROM x\nRUN a <<\n",
    "FROM x\nENV A=<<EOF\nLABEL --mount=x\n",
    "FROM x\nARG TARGETARCH=amd64\nARG TARGET\nARG TARGETARCHES\nRUN echo $TARGETARCH\n",
    "FROM --platform=$MINE x\n",
    "FROM x\nADD https://example.test/a.tar.gz /a\nADD --chown=1 my.git /a\n",
    "FROM x\nHEALTHCHECK --interval=5s CMD true\n",
    "FROM x\r\nRUN true\r\nCOPY a b\r\n",
};

static const struct {
    const char *text, *what;
    int line;
} features[] = {
    {"FROM x\nRUN --mount=type=cache,target=/c true\n", "`RUN --mount`", 2},
    {"FROM x\nrun --network=none true\n", "`RUN --network`", 2},
    {"FROM x\nRUN \\\n  --security=insecure true\n", "`RUN --security`", 2},
    {"FROM x\nONBUILD RUN --mount=type=cache true\n", "`RUN --mount`", 2},
    {"FROM x\nCOPY --from=a --link b c\n", "`COPY --link`", 2},
    {"FROM x\nCOPY --chmod=644 b c\n", "`COPY --chmod`", 2},
    {"FROM x\nADD --checksum=sha256:0 b c\n", "`ADD --checksum`", 2},
    {"FROM x\nCOPY <<EOF /a\nb\nEOF\n", "a heredoc", 2},
    {"FROM x\n\n# a comment\nRUN <<-'END OF IT'\n", "a heredoc", 4},
    {"FROM x\nRUN python3 3<<EOF && true\n", "a heredoc", 2},
    {"FROM x\nRUN a \\\n  b \\\n\n# between\n  <<EOF\n", "a heredoc", 2},
    {"# syntax=acme/frontend:1\nFROM x\n", "`# syntax=acme/frontend:1`", 1},
    {"\xef\xbb\xbf# escape=\\\n#syntax=docker/dockerfiles\nFROM x\n",
     "`# syntax=docker/dockerfiles`", 2},
    {"# escape=`\nFROM x\nRUN a `\n b\\\nRUN --mount=type=tmpfs,target=/x a\n", "`RUN --mount`", 5},
    {"FROM --platform=$BUILDPLATFORM x\n", "`FROM --platform=$BUILDPLATFORM`", 1},
    {"FROM --platform=${TARGETPLATFORM} x\n", "`FROM --platform=$TARGETPLATFORM`", 1},
    {"FROM x\nARG A TARGETARCH\n", "`ARG TARGETARCH`", 2},
    {"FROM x\nADD https://example.test/a.git#v1 /a\n", "`ADD` of a git repository", 2},
    {"FROM x\nADD git@example.test:a /a\n", "`ADD` of a git repository", 2},
    {"FROM x\r\nRUN true\r\nCOPY --link a b\r\n", "`COPY --link`", 3},
};

Test(dockerfile, plain_ones_need_no_buildkit) {
    struct dockerfile_feature feature;
    for (size_t i = 0; i < lengthof(plain); i++)
        cr_expect(!dockerfile_needs_buildkit(plain[i], NULL, &feature), "%s: %s", plain[i],
                  feature.what);
}

Test(dockerfile, features_of_buildkit_are_named_with_their_line) {
    for (size_t i = 0; i < lengthof(features); i++) {
        struct dockerfile_feature feature = {0};
        cr_expect(dockerfile_needs_buildkit(features[i].text, NULL, &feature), "%s",
                  features[i].text);
        cr_expect_str_eq(feature.what, features[i].what);
        cr_expect_eq(feature.line, features[i].line, "%s: line %d", features[i].text, feature.line);
    }
}

Test(dockerfile, an_argument_that_is_given_is_not_missed) {
    struct dockerfile_feature feature;
    cJSON *args = cJSON_CreateObject();
    cJSON_AddStringToObject(args, "TARGETARCH", "arm64");
    cr_expect(!dockerfile_needs_buildkit("FROM x\nARG TARGETARCH\n", args, &feature));
    cr_expect(dockerfile_needs_buildkit("FROM x\nARG TARGETOS\n", args, &feature));
    cJSON_Delete(args);
}

Test(dockerfile, a_long_one_is_bounded) {
    enum { LENGTH = 1 << 20 };
    struct dockerfile_feature feature;
    autofree char *text = xmalloc(LENGTH + 1);
    memset(text, '-', LENGTH);
    memcpy(text, "RUN --", 6);
    text[LENGTH] = '\0';
    cr_expect(dockerfile_needs_buildkit(text, NULL, &feature));
    cr_expect_lt(strlen(feature.what), FEATURE_SIZE);
    cr_expect_eq(strncmp(feature.what, "`RUN ---", 8), 0);
}
