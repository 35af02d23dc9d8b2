/*
 * rows.h: the lines of a terminal that are redrawn in place, one per service.
 */
#ifndef REPORT_ROWS_H
#define REPORT_ROWS_H

#include "report/board.h"
#include "report/style.h"

struct rows_layout {
    int rows, columns;
    int phase_width; /* only grows during a run, so that nothing moves to and fro */
    bool settled;    /* the lines are going to stay: no spinner */
};

/* One line for each listed service, and one for a teardown that is going on; none is wider than the
 * terminal. Where there are too many, those that are done are folded into a count first. */
void rows_make(struct strings *into, struct rows_layout *layout, const struct style *style,
               const struct board *board);

#endif
