package dev.stator.routing.queue;

import dev.stator.routing.RouteRequest;

/** A request in the queue and what its owner handed in with it. */
public record Waiting<T>(RouteRequest request, T payload) {}
