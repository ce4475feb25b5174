package dev.stator.engine;

/**
 * How sure a model is of the next token, before any sampling option.
 *
 * @param margin by how many nats the likeliest token is likelier than the next
 * @param entropy of the distribution, in nats
 */
public record Certainty(double margin, double entropy) {}
