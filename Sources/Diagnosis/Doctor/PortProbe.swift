import Basics
import DNSResolver

/// Opens real connections: to others' port 25, and to our own ports (R82, R85).
package struct PortProbe: Sendable {
  /// Something to connect to.
  package struct Target: Sendable, Hashable {
    /// A host name or an address.
    package var host: String
    /// The port.
    package var port: Int

    /// Names one.
    package init(host: String, port: Int) {
      self.host = host
      self.port = port
    }
  }

  /// Large mail hosts that answer on port 25 to everybody who can reach them.
  package static let wellKnown = [
    Target(host: "gmail-smtp-in.l.google.com", port: 25), Target(host: "mx1.mail.ovh.net", port: 25),
  ]

  private let resolver: any Resolving
  private let patient: Patient
  private let timeout: Duration

  /// Makes a probe.
  ///
  /// - Parameter timeout: for each connection and each reply.
  package init(resolver: any Resolving, patient: Patient, timeout: Duration = .seconds(5)) {
    self.resolver = resolver
    self.patient = patient
    self.timeout = timeout
  }

  /// Whether port 25 is open going out: one target that greets is proof enough.
  package func outbound(_ targets: [Target]) async -> [Finding] {
    var findings: [Finding] = []
    for target in targets {
      let subject = "out \(target.host):\(target.port)"
      do {
        let addresses = try await resolve(target.host)
        let greeting = try await onThread { [timeout] in
          try Self.greeting(addresses, port: target.port, timeout: timeout)
        }
        findings.append(Finding("ports", subject, .ok, greeting))
      } catch let failure as DNSFailure {
        findings.append(Finding("ports", subject, .unknown, "\(target.host): \(failure)"))
      } catch {
        findings.append(
          Finding(
            "ports", subject, .failed, "\(error)",
            remedy: "port \(target.port) may be blocked going out: set queue.smarthost to a server on 587, 465 or 2525")
        )
      }
    }
    // Where one answers the way is open, and another's silence is its own affair.
    if findings.contains(where: { $0.state == .ok }) {
      for index in findings.indices where findings[index].state == .failed {
        findings[index].state = .warning
        findings[index].remedy = ""
      }
    }
    return findings
  }

  /// Whether our own ports answer.
  package func inbound(_ targets: [(name: String, address: IPAddress, port: Int, greets: Bool)]) async -> [Finding] {
    var findings: [Finding] = []
    for target in targets {
      let subject = "in \(target.name) \(target.address):\(target.port)"
      do {
        let text = try await onThread { [timeout] in
          let socket = try LineSocket(target.address, port: target.port, timeout: timeout)
          return target.greets ? try socket.reply() : "open"
        }
        findings.append(Finding("ports", subject, .ok, text))
      } catch {
        findings.append(
          Finding(
            "ports", subject, .failed, "\(error)",
            remedy: "start the server (martinet serve), and let the firewall pass port \(target.port)"))
      }
    }
    return findings
  }

  /// Recipients that an open relay would take, in all the forms that ever worked (R82).
  package static func foreignRecipients(domain: String) -> [String] {
    let other = "relay-test@example.org"
    return [
      "<\(other)>", "<\"\(other)\">", "<\"\(other)\"@\(domain)>", "<@\(domain):\(other)>",
      "<relay-test%example.org@\(domain)>",
      "<example.org!relay-test>", "<\(other)@\(domain)>", "\(other)",
    ]
  }

  /// Tries to relay through our own port 25 as a stranger; nothing is sent, as DATA is never said.
  ///
  /// - Parameter domain: one that is hosted here, for the forms with a route in the local part.
  package func relay(_ address: IPAddress, port: Int, domain: String) async -> [Finding] {
    let subject = "\(address):\(port)"
    do {
      return try await onThread { [timeout] in
        var findings: [Finding] = []
        for recipient in Self.foreignRecipients(domain: domain) {
          let socket = try LineSocket(address, port: port, timeout: timeout)
          _ = try socket.reply()
          _ = try socket.command("EHLO relay-test.example.org")
          let mail = try socket.command("MAIL FROM:<relay-test@example.com>")
          let reply = mail.hasPrefix("2") ? try socket.command("RCPT TO:\(recipient)") : mail
          _ = try? socket.command("QUIT")
          // A quoted local part at our own domain is a mailbox name like any other; a catch-all may take it.
          let isLocalForm = recipient.hasSuffix("@\(domain)>")
          if reply.hasPrefix("2") {
            findings.append(
              Finding(
                "relay", subject, isLocalForm ? .warning : .failed, "RCPT TO:\(recipient) was taken: \(reply)",
                remedy: isLocalForm
                  ? "has \(domain) a catch-all? (martinet catchall show \(domain)) Then the address is a mailbox here"
                  : "close it: nobody may send without a login; see martinet open-smtp list"
              ))
          }
        }
        let count = Self.foreignRecipients(domain: domain).count
        if findings.isEmpty { findings.append(Finding("relay", subject, .ok, "\(count) forms refused")) }
        return findings
      }
    } catch {
      return [
        Finding("relay", subject, .unknown, "\(error)", remedy: "start the server (martinet serve), then ask again")
      ]
    }
  }

  private func resolve(_ host: String) async throws -> [IPAddress] {
    if let literal = IPAddress(host) { return [literal] }
    return try await resolver.addresses(host).records
  }

  private static func greeting(_ addresses: [IPAddress], port: Int, timeout: Duration) throws -> String {
    var last: any Error = LineSocket.Failure(description: "no address")
    for address in addresses.prefix(4) {
      do {
        let socket = try LineSocket(address, port: port, timeout: timeout)
        let reply = try socket.reply()
        _ = try? socket.command("QUIT")
        return reply
      } catch {
        last = error
      }
    }
    throw last
  }
}
