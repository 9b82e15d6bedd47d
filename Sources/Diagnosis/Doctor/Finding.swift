/// What one probe found.
package struct Finding: Sendable, Equatable {
  /// How bad it is.
  package enum State: String, Sendable {
    /// As it should be.
    case ok
    /// It works, and could be better.
    case warning
    /// Mail suffers.
    case failed
    /// Nothing could be learnt: no answer, or nothing to look at.
    case unknown
  }

  /// The check it belongs to: `dns`, `rdns`, `dnsbl`, `ports`, `tls`, `relay`.
  package var check: String
  /// What was looked at: a name, an address, a port.
  package var subject: String
  /// How it is.
  package var state: State
  /// What was found.
  package var text: String
  /// What helps; empty when nothing need be done.
  package var remedy: String

  /// Makes a finding.
  package init(_ check: String, _ subject: String, _ state: State, _ text: String, remedy: String = "") {
    self.check = check
    self.subject = subject
    self.state = state
    self.text = text
    self.remedy = remedy
  }
}

/// The host as the doctor sees it.
package struct Patient: Sendable {
  /// The host's name, as in EHLO.
  package var hostname: String
  /// Hosted domains, in A-labels.
  package var domains: [String]
  /// Addresses that mail is sent from.
  package var addresses: [String]
  /// The smarthost, when there is one.
  package var smarthost: String?
  /// The smarthost's SPF name to include, when it is known.
  package var smarthostSPF: String?

  /// Describes a host.
  package init(
    hostname: String, domains: [String], addresses: [String], smarthost: String? = nil, smarthostSPF: String? = nil
  ) {
    self.hostname = hostname.lowercased()
    self.domains = domains
    self.addresses = addresses
    self.smarthost = smarthost
    self.smarthostSPF = smarthostSPF
  }
}
