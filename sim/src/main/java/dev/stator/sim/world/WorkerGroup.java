package dev.stator.sim.world;

import dev.stator.routing.WorkerRole;
import dev.stator.sim.time.TimeModel;

/**
 * Workers that are alike.
 *
 * @param name what their ids begin with
 * @param gpus of each
 * @param kind what the router knows workers by that are equally fast
 * @param maxRunning requests that each takes in at once
 * @param stepTokens prompt tokens and answers in one step at most
 */
public record WorkerGroup(
        String name,
        WorkerRole role,
        int count,
        int gpus,
        String kind,
        TimeModel time,
        int maxRunning,
        int stepTokens) {}
