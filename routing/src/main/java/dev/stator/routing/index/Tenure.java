package dev.stator.routing.index;

/**
 * A time in the life of a place: from its joining, or from when it was emptied, to when it is
 * emptied again or dropped. Members of holder sets are tenures, so to empty a place is to give it
 * another one.
 *
 * @param index unique among the tenures that the table may still name
 * @param place the place's number
 * @param serial unique for ever
 */
record Tenure(int index, int place, long serial) {}
