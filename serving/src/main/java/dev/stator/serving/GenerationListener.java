package dev.stator.serving;

/**
 * Hears one answer. Calls come from engine threads, in order and never at the same time; none may
 * block.
 */
public interface GenerationListener {
    void onToken(GeneratedToken token);

    /**
     * The last call of a normal end, also of a cancelled one.
     *
     * @param tail text that was held back because it could have begun a stop string and did not
     */
    void onFinish(FinishReason reason, String tail, Account account);

    /**
     * The only call if the request was shed after it had been admitted: it has waited, and will not
     * be answered.
     */
    default void onShed(Admission.Shed shed) {
        onFailure(shed.reason());
    }

    /** The last call if the engine failed. The message is fit for a client. */
    void onFailure(String message);
}
