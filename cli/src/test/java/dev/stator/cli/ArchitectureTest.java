package dev.stator.cli;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.conditions.ArchConditions.be;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** The rules that keep the modules apart, over all compiled classes. */
final class ArchitectureTest {
    /** The only arrows there are: what the modules' poms name. */
    private static final Map<String, Set<String>> ARROWS =
            Map.ofEntries(
                    entry("cache", Set.of()),
                    entry("remote", Set.of("cache")),
                    entry("engine", Set.of()),
                    entry("jinja", Set.of()),
                    entry("models", Set.of()),
                    entry("routing", Set.of("cache")),
                    entry("sim", Set.of("routing", "cache")),
                    entry("serving", Set.of("routing", "engine", "cache")),
                    entry("cluster", Set.of("serving", "routing", "engine", "cache")),
                    entry("api", Set.of("serving", "jinja")),
                    entry("cli", Set.of("api", "cluster", "models", "remote", "sim")));

    /** Libraries that only these modules may touch. */
    private static final Map<String, Set<String>> HOMES =
            Map.ofEntries(
                    entry("io.vertx..", Set.of("api")),
                    entry("io.netty..", Set.of("api", "cluster", "remote")),
                    entry("io.lettuce..", Set.of("remote")),
                    entry("io.airlift..", Set.of("cache")),
                    entry("io.grpc..", Set.of("cluster")),
                    entry("com.google.protobuf..", Set.of("cluster")),
                    entry("org.jgroups..", Set.of("cluster")),
                    entry("software.amazon.awssdk..", Set.of("remote")),
                    entry("io.prometheus..", Set.of("api")),
                    entry("picocli..", Set.of("cli")),
                    entry("org.jline..", Set.of("cli")),
                    entry("ch.qos.logback..", Set.of("cli")),
                    entry("tools.jackson.dataformat..", Set.of("cli", "sim")));

    /**
     * Classes that the build makes of messages: they follow nobody's style but their generator's.
     */
    private static final Pattern GENERATED = Pattern.compile(".*/dev/stator/cluster/wire/.*");

    /** Sockets between processes of one machine, which the JDK keeps beside those of networks. */
    private static final Class<?>[] LOCAL_SOCKETS = {
        UnixDomainSocketAddress.class, StandardProtocolFamily.class
    };

    private static final JavaClasses CLASSES =
            new ClassFileImporter()
                    .withImportOption(new ImportOption.DoNotIncludeTests())
                    .withImportOption(location -> !location.matches(GENERATED))
                    .importPackages("dev.stator");

    @Test
    void theRulesSeeEveryModule() {
        var seen = new TreeSet<String>();
        CLASSES.forEach(type -> seen.add(module(type)));

        assertThat(seen).isEqualTo(new TreeSet<>(ARROWS.keySet()));
    }

    @Test
    void pomsNameTheAllowedArrowsAndNoOther() throws IOException {
        for (var module : ARROWS.keySet()) {
            assertThat(dependencies(Files.readString(Path.of("..", module, "pom.xml"))))
                    .as(module)
                    .isEqualTo(new TreeSet<>(reachableDirectly(module)));
        }
    }

    /** Our modules that a pom names; what only its tests need does not count. */
    private static Set<String> dependencies(String pom) {
        var named = new TreeSet<String>();
        var blocks = Pattern.compile("(?s)<dependency>(.*?)</dependency>").matcher(pom);
        var ours = Pattern.compile("<artifactId>stator-([a-z]+)</artifactId>");
        while (blocks.find()) {
            var artifact = ours.matcher(blocks.group(1));
            if (artifact.find() && !blocks.group(1).contains("<scope>test</scope>")) {
                named.add(artifact.group(1));
            }
        }
        return named;
    }

    private static Set<String> reachableDirectly(String module) {
        return ARROWS.getOrDefault(module, Set.of());
    }

    @Test
    void classesFollowTheArrows() {
        for (var module : ARROWS.keySet()) {
            var reachable = reachable(module);
            var forbidden =
                    ARROWS.keySet().stream()
                            .filter(other -> !reachable.contains(other))
                            .map(ArchitectureTest::packages)
                            .toArray(String[]::new);
            noClasses()
                    .that()
                    .resideInAPackage(packages(module))
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(forbidden)
                    .allowEmptyShould(false)
                    .check(CLASSES);
        }
    }

    /** The module itself and all that its arrows lead to. */
    private static Set<String> reachable(String module) {
        var found = new TreeSet<String>();
        var open = new ArrayList<>(List.of(module));
        while (!open.isEmpty()) {
            var next = open.removeLast();
            if (found.add(next)) {
                open.addAll(reachableDirectly(next));
            }
        }
        return found;
    }

    @Test
    void librariesStayInTheirModule() {
        for (var home : new TreeMap<>(HOMES).entrySet()) {
            noClasses()
                    .that()
                    .resideOutsideOfPackages(
                            home.getValue().stream()
                                    .map(ArchitectureTest::packages)
                                    .toArray(String[]::new))
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage(home.getKey())
                    .check(CLASSES);
        }
    }

    @Test
    void nothingBelowTheApiKnowsHttp() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        packages("engine"),
                        packages("cache"),
                        packages("routing"),
                        packages("serving"))
                .should()
                .dependOnClassesThat(
                        resideInAnyPackage("java.net..", "com.sun.net..")
                                .and(not(belongToAnyOf(LOCAL_SOCKETS))))
                .check(CLASSES);
    }

    @Test
    void nobodyUsesUnsafe() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("sun.misc.Unsafe")
                .orShould()
                .dependOnClassesThat()
                .resideInAPackage("jdk.internal..")
                .check(CLASSES);
    }

    @Test
    void onlyTheCommandWritesToTheTerminal() {
        noClasses()
                .that()
                .resideOutsideOfPackage(packages("cli"))
                .should()
                .accessField(System.class, "out")
                .orShould()
                .accessField(System.class, "err")
                .orShould()
                .callMethod(Throwable.class, "printStackTrace")
                .check(CLASSES);
    }

    @Test
    void noStateIsStatic() {
        fields().that().areStatic().should().beFinal().check(CLASSES);
    }

    @Test
    void everyPackageIsNullMarked() {
        var unmarked = new TreeSet<String>();
        for (var type : CLASSES) {
            var itsPackage = type.getPackage();
            if (!itsPackage.isAnnotatedWith(NullMarked.class)) {
                unmarked.add(itsPackage.getName());
            }
        }
        assertThat(unmarked).isEmpty();
    }

    @Test
    void namesSayWhatThingsAre() {
        noClasses()
                .should()
                .haveSimpleNameEndingWith("Impl")
                .orShould()
                .haveSimpleNameEndingWith("Manager")
                .orShould()
                .haveSimpleNameEndingWith("Helper")
                .orShould()
                .haveSimpleNameEndingWith("Utils")
                .orShould()
                .haveSimpleNameEndingWith("Util")
                .check(CLASSES);
    }

    @Test
    void classesAreFinalUnlessSomethingExtendsThem() {
        var extended = new TreeSet<String>();
        CLASSES.forEach(
                type ->
                        type.getRawSuperclass()
                                .ifPresent(parent -> extended.add(parent.getName())));
        var open =
                DescribedPredicate.<JavaClass>describe(
                        "open for extension without need",
                        type ->
                                !type.isInterface()
                                        && !type.isEnum()
                                        && !type.isAnonymousClass()
                                        && !type.getSimpleName().equals("package-info")
                                        && !type.getModifiers().contains(JavaModifier.FINAL)
                                        && !type.getModifiers().contains(JavaModifier.ABSTRACT)
                                        && !extended.contains(type.getName()));
        noClasses().should(be(open)).check(CLASSES);
    }

    private static String module(JavaClass type) {
        return type.getPackageName().split("\\.")[2];
    }

    private static String packages(String module) {
        return "dev.stator." + module + "..";
    }
}
