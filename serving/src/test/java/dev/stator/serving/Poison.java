package dev.stator.serving;

import dev.stator.engine.Batch;
import dev.stator.engine.Engine;
import dev.stator.engine.EngineContext;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/** An engine whose processes die of computing a certain token. */
final class Poison {
    private Poison() {}

    static Engine in(Engine engine, int token) {
        return proxy(
                Engine.class,
                (_, method, arguments) -> {
                    var result = call(engine, method, arguments);
                    return result instanceof EngineContext context
                            ? proxy(EngineContext.class, dyingOf(context, token))
                            : result;
                });
    }

    private static InvocationHandler dyingOf(EngineContext context, int token) {
        return (_, method, arguments) -> {
            if (method.getName().equals("step") && holds((Batch) arguments[0], token)) {
                ProcessHandle.of(context.process().orElseThrow())
                        .ifPresent(ProcessHandle::destroyForcibly);
            }
            return call(context, method, arguments);
        };
    }

    private static boolean holds(Batch batch, int token) {
        for (int i = 0; i < batch.size(); i++) {
            if (batch.token(i) == token) {
                return true;
            }
        }
        return false;
    }

    private static Object call(Object target, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }
}
