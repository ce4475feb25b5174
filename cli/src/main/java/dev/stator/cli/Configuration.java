package dev.stator.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What the user chose: flags go before environment variables, these before the file, that before
 * defaults.
 */
final class Configuration {
    /** The origin of what nobody chose. */
    static final String DEFAULT = "default";

    private static final String PREFIX = "STATOR_";

    /**
     * @param texts the value as the user wrote it
     * @param origin where, e.g. {@code stator.yaml line 3}
     */
    private record Given(List<String> texts, String origin) {}

    private final Map<Setting<?>, Given> given;

    private Configuration(Map<Setting<?>, Given> given) {
        this.given = given;
    }

    /**
     * Reads all sources.
     *
     * @param environment the process's variables
     * @param asked the file named by a flag; without one {@code STATOR_CONFIG}, then {@code
     *     stator.yaml} in the working folder if it is there
     * @throws Refusal that lists everything that is wrong with them
     */
    static Configuration read(
            Map<Setting<?>, List<String>> flags,
            Map<String, String> environment,
            Optional<Path> asked) {
        var named = asked.or(() -> variable(environment, "STATOR_CONFIG").map(Path::of));
        var usual = Optional.of(ConfigurationFile.USUAL).filter(Files::exists);
        return merge(flags, environment, named.or(() -> usual).map(ConfigurationFile::read));
    }

    static Configuration merge(
            Map<Setting<?>, List<String>> flags,
            Map<String, String> environment,
            Optional<ConfigurationFile> file) {
        var problems = new ArrayList<String>();
        var given = new LinkedHashMap<Setting<?>, Given>();
        file.ifPresent(known -> addFile(known, given, problems));
        addEnvironment(environment, given, problems);
        flags.forEach((setting, texts) -> put(given, setting, texts, setting.flag()));
        given.forEach((setting, value) -> check(setting, value, problems));
        if (!problems.isEmpty()) {
            throw Refusal.misused(String.join("\n", problems));
        }
        return new Configuration(given);
    }

    private static void addFile(
            ConfigurationFile file, Map<Setting<?>, Given> given, List<String> problems) {
        problems.addAll(file.problems());
        file.entries()
                .forEach(
                        (key, entry) -> {
                            var origin = "%s line %d".formatted(file.path(), entry.line());
                            Settings.named(key)
                                    .ifPresentOrElse(
                                            setting -> put(given, setting, entry.texts(), origin),
                                            () -> problems.add(unknown(key, origin)));
                        });
    }

    private static String unknown(String key, String origin) {
        var names = Settings.ALL.stream().map(Setting::name).toList();
        return "unknown key '%s' in %s%s".formatted(key, origin, Nearest.hint(key, names));
    }

    private static void addEnvironment(
            Map<String, String> environment, Map<Setting<?>, Given> given, List<String> problems) {
        var known = new TreeMap<String, Setting<?>>();
        Settings.ALL.forEach(setting -> known.put(setting.variable(), setting));
        var names = new ArrayList<>(known.keySet());
        names.addAll(Settings.RESERVED_VARIABLES);
        for (var entry : new TreeMap<>(environment).entrySet()) {
            var variable = entry.getKey();
            var setting = known.get(variable);
            if (setting != null) {
                // An empty variable is how shells and composition files say "not set".
                if (!entry.getValue().isEmpty()) {
                    put(given, setting, List.of(entry.getValue()), variable);
                }
            } else if (variable.startsWith(PREFIX)
                    && !Settings.RESERVED_VARIABLES.contains(variable)) {
                problems.add(
                        "unknown environment variable %s%s"
                                .formatted(variable, Nearest.hint(variable, names)));
            }
        }
    }

    private static void put(
            Map<Setting<?>, Given> given, Setting<?> setting, List<String> texts, String origin) {
        var separate =
                setting.list()
                        ? texts.stream()
                                .flatMap(text -> Arrays.stream(text.split(",")))
                                .map(String::strip)
                                .toList()
                        : texts;
        given.put(setting, new Given(separate, origin));
    }

    private static void check(Setting<?> setting, Given value, List<String> problems) {
        if (value.texts().size() > 1 && !setting.list()) {
            problems.add(
                    "%s takes one value, but %d are given in %s"
                            .formatted(setting.name(), value.texts().size(), value.origin()));
            return;
        }
        if (value.texts().isEmpty() && setting.list()) {
            return;
        }
        if (value.texts().isEmpty() || value.texts().stream().anyMatch(String::isBlank)) {
            problems.add("%s in %s has no value".formatted(setting.name(), value.origin()));
            return;
        }
        try {
            setting.reader().read(value.texts());
        } catch (IllegalArgumentException e) {
            var shown = setting.secret() ? "…" : String.join(",", value.texts());
            problems.add(
                    "'%s' is no valid %s (%s): %s"
                            .formatted(shown, setting.name(), value.origin(), e.getMessage()));
        }
    }

    private static Optional<String> variable(Map<String, String> environment, String name) {
        return Optional.ofNullable(environment.get(name)).filter(value -> !value.isBlank());
    }

    /** The chosen value, else the default; empty if the default depends on machine or model. */
    <T> Optional<T> find(Setting<T> setting) {
        return texts(setting).map(setting.reader()::read);
    }

    /** The value of a setting with a fixed default. */
    <T> T get(Setting<T> setting) {
        return find(setting).orElseThrow();
    }

    <T> List<T> all(Setting<List<T>> setting) {
        return find(setting).orElse(List.of());
    }

    /** Where the value comes from. */
    String origin(Setting<?> setting) {
        var value = given.get(setting);
        return value == null ? DEFAULT : value.origin();
    }

    /** The value as it was written, or the default's description; never a secret. */
    String shown(Setting<?> setting) {
        var value = given.get(setting);
        if (value == null) {
            return setting.fallbackText();
        }
        return setting.secret()
                ? "(%d given)".formatted(value.texts().size())
                : String.join(",", value.texts());
    }

    private Optional<List<String>> texts(Setting<?> setting) {
        var value = given.get(setting);
        return value == null ? setting.fallback().map(List::of) : Optional.of(value.texts());
    }
}
