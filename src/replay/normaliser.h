/*
 * normaliser.h: a text without what says nothing about a cause: times, durations, hexadecimal
 * numbers, addresses, ports, UUIDs, process numbers, temporary paths, colours, the length of rules
 * (docs/bundles.md, "The same cause").
 *
 * What is taken out is named in its place ("<duration>"), so that people can read what is left.
 */
#ifndef REPLAY_NORMALISER_H
#define REPLAY_NORMALISER_H

/* The patterns, compiled. */
struct normaliser;
struct normaliser *normaliser_new(void);
struct normaliser *normaliser_free(struct normaliser *normaliser);

/* Words of one run: the environment's name, the project's folder; either may be NULL. */
struct normaliser_words {
    const char *environment, *directory;
};
/* On one line, blanks joined. To be freed by the caller. */
char *normaliser_apply(const struct normaliser *normaliser, const struct normaliser_words *words,
                       const char *text);

#endif
