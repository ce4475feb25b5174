package dev.stator.bench;

import dev.stator.serving.Account;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A request's account of its time, for people. */
final class Stages {
    private Stages() {}

    static String of(Account account) {
        return Stream.of("queue", "onboard", "prefill", "first_token")
                .filter(account.stageMillis()::containsKey)
                .map(
                        stage ->
                                String.format(
                                        Locale.ROOT,
                                        "%s %.1f",
                                        stage,
                                        account.stageMillis().getOrDefault(stage, 0.0)))
                .collect(Collectors.joining(" "));
    }
}
