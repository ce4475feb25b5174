package dev.stator.bench;

/** The reference of the benchmark {@code startup}: the least that a JVM can do. */
final class Hello {
    private Hello() {}

    public static void main(String[] arguments) {
        System.out.println("hello");
    }
}
