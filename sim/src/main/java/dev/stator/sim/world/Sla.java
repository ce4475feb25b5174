package dev.stator.sim.world;

/**
 * What a request is promised.
 *
 * @param firstTokenMillis until its first token, at most
 * @param gapMillis between its tokens, at most, on average over the request
 */
public record Sla(double firstTokenMillis, double gapMillis) {}
