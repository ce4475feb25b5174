package dev.stator.api;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A setting for everybody, and others for those who send certain API keys. Immutable. */
public final class ByKey<T> {
    private final T usual;
    private final Map<String, T> byKey;

    /** By the names that {@link Exchange#tenant} has for keys. */
    private final Map<String, T> byTenant;

    private ByKey(T usual, Map<String, T> byKey) {
        this.usual = usual;
        this.byKey = Map.copyOf(byKey);
        var named = new HashMap<String, T>();
        byKey.forEach((key, value) -> named.put(Auth.fingerprint(key), value));
        this.byTenant = Map.copyOf(named);
    }

    /**
     * @param byKey API keys that have a value of their own
     */
    public static <T> ByKey<T> of(T usual, Map<String, T> byKey) {
        return new ByKey<>(usual, byKey);
    }

    /** That of whoever has none of their own. */
    T usual() {
        return usual;
    }

    T of(String tenant) {
        return byTenant.getOrDefault(tenant, usual);
    }

    Set<String> keys() {
        return byKey.keySet();
    }

    /** All values that somebody has. */
    Collection<T> values() {
        return Stream.concat(Stream.of(usual), byKey.values().stream())
                .collect(Collectors.toUnmodifiableSet());
    }
}
