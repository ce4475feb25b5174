/**
 * The router's inventory: which block is in which tier of which worker or node.
 *
 * <p>{@link dev.stator.routing.index.BlockIndex} is the way in. Underneath:
 *
 * <ul>
 *   <li>{@code BlockTable}: an open-addressing hash table, block key to holder set, in segments
 *       that grow one at a time up to a fixed size;
 *   <li>{@code HolderSets}: the sets, each stored once. Thousands of blocks share one, so storing a
 *       batch of blocks at a place is one transition from set to set, worked out once ({@code
 *       Transitions}), and two blocks are held by the same places if their sets have the same
 *       number;
 *   <li>{@code PrefixSearch}: a lookup. It reads blocks at a few depths and, between two of them,
 *       only looks closer where the holders differ;
 *   <li>{@code Roster}: which places there are. What is in a set is a <i>tenure</i> of a place, the
 *       time from one moment at which it held nothing to the next. So a place is emptied by giving
 *       it another tenure; what the old one leaves in the table is swept away later;
 *   <li>{@code Feed}: the numbers of a place's batches, and what to do after a gap;
 *   <li>{@code Expectations}: what was expected of places, and until when;
 *   <li>{@code SnapshotWriter}, {@code SnapshotReader}.
 * </ul>
 *
 * <p>Changes exclude each other by one lock. Lookups take none and never wait: they read words that
 * the writer publishes with release stores, check afterwards that what they read was not replaced
 * meanwhile, and try again a bounded number of times.
 */
@NullMarked
package dev.stator.routing.index;

import org.jspecify.annotations.NullMarked;
