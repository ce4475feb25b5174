package dev.stator.jinja;

import dev.stator.jinja.Stmt.Body;
import java.util.Map;
import java.util.Set;

/**
 * A parsed template with the scopes of its bodies.
 *
 * @param scopes by body; the scope of a loop's condition is under the loop
 * @param implicit which of caller, kwargs and varargs the body of a macro uses
 */
record Program(Body body, Map<Object, Scope> scopes, Map<Body, Set<String>> implicit) {
    Scope scope(Object owner) {
        var scope = scopes.get(owner);
        if (scope == null) {
            throw new IllegalStateException("no scope for " + owner);
        }
        return scope;
    }

    Set<String> implicit(Body macro) {
        return implicit.getOrDefault(macro, Set.of());
    }
}
