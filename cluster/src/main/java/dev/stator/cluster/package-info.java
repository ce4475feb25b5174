/**
 * Stator in several processes: frontends, which know HTTP and route, and nodes, which compute.
 *
 * <ul>
 *   <li>{@code Group}: who is there, by JGroups. Each member tells the others its {@link
 *       dev.stator.cluster.wire.Member};
 *   <li>{@link dev.stator.cluster.NodeServer}: a {@link dev.stator.serving.NodeFabric} behind gRPC;
 *   <li>{@link dev.stator.cluster.ClusterFabric}: the fabric of a frontend. A {@code NodeLink} to
 *       each node feeds the router with what the node holds and does, and a {@code Relay} carries
 *       each answer from the node that generates it to its listener, and on to another node when
 *       that one is lost.
 * </ul>
 *
 * <p>The group says who there is to speak to; whether one can be spoken to is seen at its link
 * alone. So a group that splits or is slow to notice changes nothing for requests.
 */
@NullMarked
package dev.stator.cluster;

import org.jspecify.annotations.NullMarked;
