/*
 * JUnit XML, pushed through expat.
 */
#include "junit/internal.h"

#include "base/text.h"

#include <expat.h>
#include <string.h>

/* An element that says how a test ended. */
static const struct ending_element {
    const char *name;
    enum test_status status;
} ending_elements[] = {{"failure", TEST_FAILED}, {"error", TEST_ERROR}, {"skipped", TEST_SKIPPED}};

struct suite_frame {
    int depth;
    char *name;
    long long next; /* when its next test begins, or -1 */
    bool is_local;
};

struct xml {
    struct tests *into;
    XML_Parser parser;
    int depth;
    vec(struct suite_frame) suites; /* that are open, the innermost last */
    bool in_test;                   /* the list's last one is being read */
    int ending_depth;               /* of the element whose text is taken; 0: none */
    struct buffer text;             /* of it */
    struct err err;
};

static const char *attribute(const char **attributes, const char *name) {
    for (; *attributes; attributes += 2)
        if (!strcmp(attributes[0], name))
            return attributes[1];
    return NULL;
}

static void stop(struct xml *xml) {
    XML_StopParser(xml->parser, XML_FALSE);
}

static struct test *current(struct xml *xml) {
    return &xml->into->list.at[xml->into->list.length - 1];
}

static struct suite_frame *innermost(struct xml *xml) {
    return xml->suites.length ? &xml->suites.at[xml->suites.length - 1] : NULL;
}

static void put_attribute(char **at, const char **attributes, const char *name, size_t most) {
    const char *value = attribute(attributes, name);
    if (value)
        test_put(at, value, strlen(value), most);
}

/* ---- Elements ---- */

static void begin_suite(struct xml *xml, const char **attributes) {
    struct suite_frame frame = {.depth = xml->depth, .name = xstrdup(""), .next = -1};
    const char *at = attribute(attributes, "timestamp");
    put_attribute(&frame.name, attributes, "name", JUNIT_NAME_MOST);
    if (!at || !test_time(at, &frame.next, &frame.is_local))
        frame.next = -1;
    vec_push(&xml->suites, frame);
}

/* Its own time where there is one; else its suite's, and the durations of those before it. */
static void put_times(struct test *test, struct suite_frame *suite, const char **attributes) {
    const char *at = attribute(attributes, "timestamp"), *time = attribute(attributes, "time");
    test->duration = time ? test_seconds(time) : 0;
    test->is_exact = at && test_time(at, &test->began, &test->is_local);
    if (test->is_exact || !suite || suite->next < 0)
        return;
    test->began = suite->next;
    test->is_local = suite->is_local;
    suite->next += test->duration;
}

static void begin_test(struct xml *xml, const char **attributes) {
    struct suite_frame *suite = innermost(xml);
    struct test *test = tests_add(xml->into, &xml->err);
    if (!test) {
        stop(xml);
        return;
    }
    xml->in_test = true;
    if (suite)
        test_put(&test->suite, suite->name, strlen(suite->name), JUNIT_NAME_MOST);
    put_attribute(&test->class, attributes, "classname", JUNIT_NAME_MOST);
    put_attribute(&test->name, attributes, "name", JUNIT_NAME_MOST);
    put_attribute(&test->file, attributes, "file", JUNIT_NAME_MOST);
    put_times(test, suite, attributes);
}

/* The first failure counts; one that was skipped did not fail. */
static void begin_ending(struct xml *xml, enum test_status status, const char **attributes) {
    struct test *test = current(xml);
    if (test->status != TEST_PASSED)
        return;
    test->status = status;
    xml->ending_depth = xml->depth;
    put_attribute(&test->message, attributes, "message", JUNIT_MESSAGE_MOST);
}

static void XMLCALL on_begin(void *context, const char *name, const char **attributes) {
    struct xml *xml = context;
    if (++xml->depth > JUNIT_DEPTH_MOST) {
        err_set(&xml->err, ERR_FILE, "its elements are nested more than %d deep", JUNIT_DEPTH_MOST);
        stop(xml);
        return;
    }
    if (xml->depth == 1 && strcmp(name, "testsuites") != 0 && strcmp(name, "testsuite") != 0) {
        err_set(&xml->err, ERR_FILE, "it is no JUnit XML: it begins with <%.40s>, not <testsuites>",
                name);
        stop(xml);
        return;
    }
    if (!xml->in_test && !strcmp(name, "testsuite"))
        begin_suite(xml, attributes);
    else if (!xml->in_test && !strcmp(name, "testcase"))
        begin_test(xml, attributes);
    else if (xml->in_test && !xml->ending_depth)
        for (size_t i = 0; i < lengthof(ending_elements); i++)
            if (!strcmp(name, ending_elements[i].name))
                begin_ending(xml, ending_elements[i].status, attributes);
}

static void XMLCALL on_text(void *context, const char *text, int length) {
    struct xml *xml = context;
    if (xml->ending_depth)
        buffer_add_capped(&xml->text, text, (size_t)length);
}

/* jest-junit writes no message, go-junit-report only "Failed": the text says more. */
static void end_ending(struct xml *xml) {
    struct test *test = current(xml);
    xml->ending_depth = 0;
    test_put(&test->text, xml->text.data, xml->text.length, JUNIT_TEXT_MOST);
    buffer_truncate(&xml->text, 0);
    autofree char *line = test_first_line(test->text);
    if (*line && (!*test->message || !strcmp(test->message, "Failed")))
        test_put(&test->message, line, strlen(line), JUNIT_MESSAGE_MOST);
}

static void XMLCALL on_end(void *context, const char *name) {
    struct xml *xml = context;
    const struct suite_frame *suite = innermost(xml);
    if (xml->ending_depth == xml->depth)
        end_ending(xml);
    else if (xml->in_test && !strcmp(name, "testcase"))
        xml->in_test = false;
    else if (suite && suite->depth == xml->depth) {
        free(suite->name);
        xml->suites.length--;
    }
    xml->depth--;
}

/* Without a document type there are no entities but XML's own five. */
static void XMLCALL on_doctype(void *context, const char *name, const char *system,
                               const char *public, int has_subset) {
    struct xml *xml = context;
    (void)name, (void)system, (void)public, (void)has_subset;
    err_set(&xml->err, ERR_FILE, "it has a document type (<!DOCTYPE>), which is not read");
    stop(xml);
}

/* ---- The format ---- */

static void *xml_begin(struct tests *into) {
    struct xml *xml = xnew(struct xml);
    xml->into = into;
    xml->text = BUFFER_INIT_MAX(JUNIT_TEXT_MOST);
    xml->parser = XML_ParserCreate(NULL);
    if (!xml->parser)
        abort(); /* out of memory */
    XML_SetUserData(xml->parser, xml);
    XML_SetElementHandler(xml->parser, on_begin, on_end);
    XML_SetCharacterDataHandler(xml->parser, on_text);
    XML_SetStartDoctypeDeclHandler(xml->parser, on_doctype);
    return xml;
}

static bool parse(struct xml *xml, const char *data, size_t length, bool is_last, struct err *err) {
    if (XML_Parse(xml->parser, data, (int)length, is_last) == XML_STATUS_OK)
        return true;
    if (err_is(&xml->err))
        return err_move(err, &xml->err);
    return err_set(err, ERR_FILE, "it is not well-formed XML: line %lu: %s",
                   XML_GetCurrentLineNumber(xml->parser),
                   XML_ErrorString(XML_GetErrorCode(xml->parser)));
}

static bool xml_push(void *state, const char *data, size_t length, struct err *err) {
    return parse(state, data, length, false, err);
}

static bool xml_end(void *state, struct err *err) {
    return parse(state, "", 0, true, err);
}

static void xml_free(void *state) {
    struct xml *xml = state;
    vec_each (suite, &xml->suites)
        free(suite->name);
    vec_free(&xml->suites);
    buffer_release(&xml->text);
    err_release(&xml->err);
    XML_ParserFree(xml->parser);
    free(xml);
}

const struct junit_format junit_xml = {xml_begin, xml_push, xml_end, xml_free};
