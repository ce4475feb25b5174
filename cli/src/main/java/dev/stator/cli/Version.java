package dev.stator.cli;

import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        return new String[] {
            "stator %s on Java %s".formatted(current(), System.getProperty("java.version"))
        };
    }

    /** The build's version, as the jar's manifest states it. */
    static String current() {
        var version = Version.class.getPackage().getImplementationVersion();
        return version == null ? "(not packaged)" : version;
    }
}
