import ArgumentParser
import Configuration
import MartinetServer

#if canImport(Glibc)
  import Glibc
#endif

/// `martinet init`: writes a commented configuration, a self-signed certificate and the data folder.
struct InitCommand: HostCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Set up a host: configuration, certificate, data folder.",
    discussion: """
      The configuration goes to --config FILE (or MARTINET_CONFIG), else to martinet.yaml in the data folder.
      --port-base 10000 moves every port up (25 becomes 10025), so that no root is needed.
      """)

  @OptionGroup var common: CommonOptions
  @Option(help: ArgumentHelp("The folder for accounts, queue and mail.", valueName: "dir")) var data: String
  @Option(help: ArgumentHelp("The server's full name; the system's when left out.", valueName: "name"))
  var hostname: String?
  @Option(help: ArgumentHelp("Domain added to senders without one; the host name when left out.", valueName: "domain"))
  var mailname: String?
  @Option(help: ArgumentHelp("What kind of host; only internet (the default) exists.", valueName: "kind"))
  var site = "internet"
  @Option(help: ArgumentHelp("Number added to every port.", valueName: "n")) var portBase = 0
  @Flag(help: "A sandbox on loopback: domain example.test with alice and bob.") var demo = false
  @Flag(help: "Replace an existing configuration; the old one is kept with .old added.") var reconfigure = false

  func validate() throws {
    guard (0...62_000).contains(portBase) else { throw ValidationError("--port-base must lie between 0 and 62000") }
    guard site == "internet" else { throw ValidationError("--site knows only: internet") }
  }

  func execute(_ context: CommandContext) async throws -> CommandResult {
    let data = absolutePath(self.data)
    let environment = getenv("MARTINET_CONFIG").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    let file = absolutePath(common.configurationFile ?? environment ?? "\(data)/martinet.yaml")
    let setup = HostSetup(
      hostname: hostname ?? Self.systemName(), mailname: mailname, data: data, configurationFile: file,
      portBase: portBase, isDemo: demo, reconfigure: reconfigure)
    if setup.isConfigured, !reconfigure {
      throw CommandFailure(.exists, "\(file) exists already; use --reconfigure to replace it")
    }
    let configuration = try await setup.perform()
    let logins: JSONValue =
      demo ? .array(HostSetup.demoLogins.map { ["login": .string($0.login), "password": .string($0.password)] }) : []
    var lines = ["configuration: \(file)", "data:          \(configuration.data)"]
    if demo {
      lines += HostSetup.demoLogins.map { "login:         \($0.login)   password: \($0.password)" }
    } else {
      lines.append("next:          martinet domain add DOMAIN --config \(file)")
    }
    lines.append("then:          martinet serve --config \(file)")
    return CommandResult(
      [
        "config": .string(file), "data": .string(configuration.data), "hostname": .string(configuration.hostname),
        "logins": logins,
      ],
      text: lines.joined(separator: "\n"))
  }

  private static func systemName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, 255) == 0 else { return "localhost" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
