/**
 * The OpenAI-compatible HTTP server over a {@link dev.stator.serving.Fabric}.
 *
 * <p>Threads: each connection belongs to one event loop ({@link dev.stator.api.Loop}); everything
 * about an exchange and its answers happens there. Engine threads only post to it. Work that costs
 * CPU before the engine is asked (JSON, templates, tokenising) runs on virtual threads ({@link
 * dev.stator.api.Preparation}).
 *
 * <p>Life of a request: {@link dev.stator.api.Routes} finds the endpoint and checks the key, {@link
 * dev.stator.api.Intake} reads the body within its bounds, the endpoint turns it into a validated
 * record and into generation requests, {@link dev.stator.api.Generation} submits them and hears the
 * answers, an {@link dev.stator.api.Output} writes them.
 */
@NullMarked
package dev.stator.api;

import org.jspecify.annotations.NullMarked;
