package dev.stator.cache;

/**
 * Someone who computes blocks, usually one request on one worker. Two claimants are never equal;
 * the name is for people.
 */
public final class Claimant {
    private final String name;

    public Claimant(String name) {
        this.name = name;
    }

    @Override
    public String toString() {
        return name;
    }
}
