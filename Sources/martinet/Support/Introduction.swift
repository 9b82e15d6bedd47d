import Configuration
import MartinetServer

/// What `make run` prints once the sandbox answers: ports, logins, and the walk of the README.
struct Introduction {
  private let configuration: Configuration

  init(_ configuration: Configuration) { self.configuration = configuration }

  private func port(_ service: ListenerService) -> Int {
    configuration.listeners.first { $0.service == service }?.addresses.first?.port ?? 0
  }

  var text: String {
    let ports = configuration.listeners.map {
      "  \($0.service.rawValue) \($0.addresses.map(\.description).joined(separator: ", "))"
    }
    let logins = HostSetup.demoLogins.map { "  \($0.login)   password: \($0.password)" }
    let alice = HostSetup.demoLogins[0]
    return """

      Martinet serves \(configuration.hostname):
      \(ports.joined(separator: "\n"))

      Demo logins:
      \(logins.joined(separator: "\n"))

      Now type, in a second terminal:

        # 1. Mail for alice arrives:
        swaks --server 127.0.0.1:\(port(.smtp)) --from friend@outside.test --to alice@example.test
        # 2. Relaying is refused until alice reads her mail from this address:
        swaks --server 127.0.0.1:\(port(.smtp)) --from alice@example.test --to friend@outside.test
        # 3. She reads it, which opens SMTP for one hour:
        curl -u '\(alice.login):\(alice.password)' pop3://127.0.0.1:\(port(.pop3))/1
        # 4. The same send is accepted now, and these show why and where it is:
        swaks --server 127.0.0.1:\(port(.smtp)) --from alice@example.test --to friend@outside.test
        .build/debug/martinet open-smtp list
        .build/debug/martinet queue list

      End the server with Ctrl-C.
      """
  }
}
