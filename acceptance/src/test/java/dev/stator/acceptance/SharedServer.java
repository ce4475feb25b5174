package dev.stator.acceptance;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Gives tests one server with the demonstration model: started once, stopped after all tests. */
final class SharedServer implements ParameterResolver {
    private static final ExtensionContext.Namespace NAMESPACE =
            ExtensionContext.Namespace.create(SharedServer.class);

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == Served.class;
    }

    @Override
    public Served resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return context.getRoot()
                .getStore(NAMESPACE)
                .computeIfAbsent(
                        Shared.class, _ -> new Shared(new Served(StatorProcess.up())), Shared.class)
                .served;
    }

    private record Shared(Served served) implements AutoCloseable {
        /** Whatever the tests did to it: the server has nothing to complain of. */
        @Override
        public void close() {
            try (served) {
                served.process().terminate();
                int code = served.process().exitCode();
                if (code != 0 || served.process().err().stream().anyMatch(Shared::isTrouble)) {
                    throw new AssertionError(
                            "the shared server ended with %d and said: %s"
                                    .formatted(code, String.join("\n", served.process().err())));
                }
            }
        }

        private static boolean isTrouble(String line) {
            return line.contains("ERROR") || line.contains("Exception") || line.contains("\tat ");
        }
    }
}
