package dev.stator.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** A flag for each {@link Setting} of a command, and {@code --config}. */
final class ServerFlags {
    private static final String CONFIG = "--config";

    private ServerFlags() {}

    /** Gives a command these flags. */
    static CommandSpec addTo(CommandSpec spec, List<Setting<?>> settings) {
        for (var setting : settings) {
            spec.addOption(option(setting));
        }
        return spec.addOption(
                OptionSpec.builder(CONFIG)
                        .paramLabel("FILE")
                        .type(String.class)
                        .description(
                                "YAML file of settings, named like the flags without dashes [%s if it is there]"
                                        .formatted(ConfigurationFile.USUAL))
                        .build());
    }

    private static OptionSpec option(Setting<?> setting) {
        // Percent signs would be taken for variables of the help page.
        var description = "%s [%s]".formatted(setting.help(), setting.fallbackText());
        var builder =
                OptionSpec.builder(setting.flag())
                        .paramLabel(setting.placeholder())
                        .description(description.replace("%", "%%"));
        if (setting.isToggle()) {
            return builder.type(String.class).arity("0..1").fallbackValue("true").build();
        }
        return setting.list()
                ? builder.type(List.class).auxiliaryTypes(String.class).arity("1").build()
                : builder.type(String.class).build();
    }

    /**
     * What the flags of a parsed command, environment and file say together.
     *
     * @throws Refusal that lists all that is wrong
     */
    static Configuration configuration(CommandSpec spec, Map<String, String> environment) {
        var flags = new LinkedHashMap<Setting<?>, List<String>>();
        for (var setting : Settings.ALL) {
            Optional.ofNullable(spec.findOption(setting.flag()))
                    .map(OptionSpec::originalStringValues)
                    .filter(texts -> !texts.isEmpty())
                    .ifPresent(texts -> flags.put(setting, texts));
        }
        var file = spec.findOption(CONFIG).originalStringValues().stream().findFirst();
        return Configuration.read(flags, environment, file.map(Path::of));
    }
}
