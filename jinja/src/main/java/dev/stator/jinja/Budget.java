package dev.stator.jinja;

/**
 * What one rendering may still use. A template comes with a model file, so it is a stranger's
 * program: each evaluated node takes a step, and each character or element that an operation makes
 * or reads takes a unit of size, so neither time nor memory is unbounded.
 */
final class Budget {
    /**
     * The bounds of one rendering.
     *
     * @param depth of expressions, blocks and macro calls within each other, together; what fits
     *     into the stack of a thread of the usual 1 MB
     */
    record Limits(long steps, long size, int depth) {
        /**
         * Far above what the longest conversation needs: 100 k messages, a prompt of 30 M
         * characters.
         */
        static final Limits STANDARD = new Limits(50_000_000, 512L << 20, 400);
    }

    /** The longest string, in UTF-16 units, and the longest list a template may make. */
    static final int MAX_LENGTH = 64 << 20;

    /** How deep lists, dicts and lazy sequences may nest. */
    static final int MAX_NESTING = 200;

    /** The largest integer, in bits. */
    static final int MAX_INTEGER_BITS = 1 << 16;

    private final Limits limits;
    private long steps;
    private long size;
    private int depth;

    Budget(Limits limits) {
        this.limits = limits;
    }

    void step() {
        if (++steps > limits.steps()) {
            throw TemplateException.of(
                    "the template did not finish within " + limits.steps() + " steps");
        }
    }

    /** Accounts for {@code units} characters or elements read or made, before they are made. */
    void size(long units) {
        size += units;
        if (size > limits.size() || units > MAX_LENGTH) {
            throw TemplateException.of(
                    "the template makes too much text: more than "
                            + (units > MAX_LENGTH ? MAX_LENGTH : limits.size())
                            + " characters");
        }
    }

    void enter() {
        if (++depth > limits.depth()) {
            depth = 0;
            throw TemplateException.of(
                    "the template nests or calls itself more than " + limits.depth() + " deep");
        }
    }

    void leave() {
        depth--;
    }

    static int nested(int depth) {
        if (depth > MAX_NESTING) {
            throw TemplateException.of("a value nests more than " + MAX_NESTING + " deep");
        }
        return depth;
    }
}
