package dev.stator.models;

/** A metadata value of a GGUF file. */
public sealed interface GgufValue {
    /**
     * Any of the integer types; an unsigned 64-bit value beyond Long.MAX_VALUE is negative here.
     */
    record Whole(GgufType type, long value) implements GgufValue {}

    record Real(GgufType type, double value) implements GgufValue {}

    record Flag(boolean value) implements GgufValue {}

    record Text(String value) implements GgufValue {}

    /**
     * A list, which stays in the file until it is asked for.
     *
     * @param elementType never {@link GgufType#ARRAY}
     * @param position of the first element in the file
     */
    record Array(GgufType elementType, long count, long position) implements GgufValue {}
}
