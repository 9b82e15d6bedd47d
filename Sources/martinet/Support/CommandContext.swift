import Configuration
import MartinetServer

#if canImport(Glibc)
  import Glibc
#endif

/// What a command works with: the configuration and, on demand, the rooms of the host.
final class CommandContext {
  /// `--config` and `--json` as given.
  let options: CommonOptions

  init(options: CommonOptions) { self.options = options }

  /// The file that holds the configuration: `--config`, `MARTINET_CONFIG`, `./martinet.yaml`, then the system's.
  static func configurationFile(_ given: String?) -> String {
    if let given { return given }
    if let variable = getenv("MARTINET_CONFIG"), variable.pointee != 0 { return String(cString: variable) }
    if access("martinet.yaml", R_OK) == 0 { return "martinet.yaml" }
    return "/etc/martinet/martinet.yaml"
  }

  /// Reads the configuration.
  func configuration() throws -> Configuration {
    try Configuration.read(Self.configurationFile(options.configurationFile))
  }

  /// Opens the databases and stores that the server uses; works while it runs and when it does not.
  func rooms() async throws -> HostRooms {
    try await HostRooms.open(configuration())
  }

  /// Tells a running server that something changed, so that it takes effect at once; no server is no error.
  func poke() async throws {
    _ = try? ControlClient(configuration: configuration()).request("poke")
  }

  /// Lets a running server write what its mail log has in memory.
  func writeLog() async throws {
    _ = try? ControlClient(configuration: configuration()).request("write-log")
  }
}

extension ConfigurationError: CommandFailureConvertible {
  var commandFailure: CommandFailure { CommandFailure(.usage, description) }
}
