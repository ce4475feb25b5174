package dev.stator.serving;

/**
 * What a request may expect while others wait too.
 *
 * @param tenant whose request it is: tenants of a class share alike, however much each asks for
 * @param deadlineNanos by {@link System#nanoTime()}, when its first token must be there: if that is
 *     predicted to be impossible it is shed; {@link Long#MAX_VALUE} if there is no hurry
 */
public record Standing(ServiceClass serviceClass, String tenant, long deadlineNanos) {
    public static final Standing USUAL = new Standing(ServiceClass.DEFAULT, "", Long.MAX_VALUE);
}
