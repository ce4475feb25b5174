package dev.stator.sim.world;

import java.util.Optional;

/**
 * A host: what its workers share.
 *
 * @param host its memory as a tier
 * @param disk its files as a tier
 * @param claims of blocks that are on their way into its host tier
 */
record Node(String id, Optional<Store> host, Optional<Store> disk, Claims claims) {}
