package dev.stator.serving;

import java.util.function.BiConsumer;

/** Looks at how a request ends before its listener hears of it. */
record FinishWatch(GenerationListener listener, BiConsumer<FinishReason, Account> onFinish)
        implements GenerationListener {
    @Override
    public void onToken(GeneratedToken token) {
        listener.onToken(token);
    }

    @Override
    public void onFinish(FinishReason reason, String tail, Account account) {
        onFinish.accept(reason, account);
        listener.onFinish(reason, tail, account);
    }

    @Override
    public void onShed(Admission.Shed shed) {
        listener.onShed(shed);
    }

    @Override
    public void onFailure(String message) {
        listener.onFailure(message);
    }
}
