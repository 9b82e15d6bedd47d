import Basics

/// The records a hosted domain needs in its zone (R29, R80), and whether they are there.
package struct DomainRecords: Sendable {
  /// One line of a zone file.
  package struct Record: Sendable, Equatable {
    /// The owner's name, without the final dot.
    package var name: String
    /// `MX`, `CNAME`, `TXT`, `SRV`, `PTR`.
    package var type: String
    /// The data as a zone file has it.
    package var value: String
    /// What it is for.
    package var purpose: String

    /// The line, for instance `example.com. IN MX 10 mail.example.com`, with its final dot.
    package var line: String { "\(name). IN \(type) \(value)" }
  }

  /// The services of a host that clients look for, and their ports.
  package struct Services: Sendable {
    /// Ports by SRV label: `imaps`, `imap`, `pop3s`, `pop3`, `submissions`, `submission`.
    package var ports: [(label: String, port: Int)]

    /// Collects them.
    package init(_ ports: [(label: String, port: Int)]) { self.ports = ports }
  }

  /// The records, in the order they are entered.
  package let records: [Record]

  /// Makes the records of a domain on a host.
  ///
  /// - Parameters:
  ///   - token: the value of `domain verify start`, when it was started.
  package init(domain: String, patient: Patient, services: Services, token: String? = nil) {
    let host = "\(patient.hostname)."
    var records = [Record(name: domain, type: "MX", value: "10 \(host)", purpose: "mail for \(domain) comes here")]
    for label in ["smtp", "pop3", "imap"] where "\(label).\(domain)" != patient.hostname {
      records.append(Record(name: "\(label).\(domain)", type: "CNAME", value: host, purpose: "the name users type"))
    }
    records.append(
      Record(
        name: domain, type: "TXT", value: "\"\(Self.senderPolicy(patient))\"",
        purpose: "SPF: who may send for \(domain)"))
    records.append(
      Record(
        name: "_dmarc.\(domain)", type: "TXT", value: "\"\(Self.receiverPolicy(domain))\"",
        purpose: "DMARC: what others do with forgeries, and report"))
    if let token {
      records.append(
        Record(name: "_martinet.\(domain)", type: "TXT", value: "\"\(token)\"", purpose: "validates the domain here"))
    }
    for label in ["autoconfig", "autodiscover"] {
      records.append(
        Record(name: "\(label).\(domain)", type: "CNAME", value: host, purpose: "mail programs look for settings there")
      )
    }
    for service in services.ports {
      records.append(
        Record(
          name: "_\(service.label)._tcp.\(domain)", type: "SRV", value: "0 1 \(service.port) \(host)",
          purpose: "settings by DNS (RFC 6186, RFC 8314)"))
    }
    for text in patient.addresses {
      guard let address = IPAddress(text) else { continue }
      records.append(
        Record(
          name: ReverseName.of(address), type: "PTR", value: host,
          purpose: "reverse name: a ticket to the provider with \(address) and \(patient.hostname)"))
    }
    self.records = records
  }

  /// The SPF text for a host.
  package static func senderPolicy(_ patient: Patient) -> String {
    var terms = ["v=spf1", "mx", "a:\(patient.hostname)"]
    if let smarthost = patient.smarthostSPF { terms.append("include:\(smarthost)") }
    return (terms + ["~all"]).joined(separator: " ")
  }

  /// The DMARC text for a domain.
  package static func receiverPolicy(_ domain: String) -> String { "v=DMARC1; p=none; rua=mailto:postmaster@\(domain)" }
}
