package dev.stator.routing.index;

/**
 * One tier of one holder, which is the unit that the index keeps inventory of.
 *
 * @param owner a worker's id for {@link Tier#DEVICE}, a node's id for {@link Tier#HOST} and {@link
 *     Tier#DISK}, the store's name for {@link Tier#REMOTE}
 */
public record Place(Tier tier, String owner) {}
