/// How names are looked up.
package struct ResolverSettings: Sendable {
  /// Servers to forward to, `192.0.2.53`, `127.0.0.1:5353` or `[::1]:5353`; empty: resolve from the root.
  package var servers: [String]
  /// A file with DNSSEC trust anchors (RFC 5011 or zone-file form); `nil`: nothing is validated.
  package var trustAnchorFile: String?
  /// Trust anchors as DS or DNSKEY records in zone-file form, beside those of the file.
  package var trustAnchors: [String]
  /// How long one question may take in all.
  package var timeout: Duration
  /// Octets of cached answers; record sets get twice as much.
  package var cacheBytes: Int
  /// Longest time for which "no such name" is believed, in seconds.
  package var negativeLifetime: Int
  /// Longest time for which a record is believed, in seconds.
  package var recordLifetime: Int
  /// Most questions that wait for an answer at once; further ones fail with ``DNSFailure/servfail``.
  package var pendingQuestions: Int

  /// The defaults: from the root, without validation, 30 seconds.
  package init(
    servers: [String] = [], trustAnchorFile: String? = nil, trustAnchors: [String] = [],
    timeout: Duration = .seconds(30), cacheBytes: Int = 4 << 20, negativeLifetime: Int = 300,
    recordLifetime: Int = 86_400, pendingQuestions: Int = 4096
  ) {
    self.servers = servers
    self.trustAnchorFile = trustAnchorFile
    self.trustAnchors = trustAnchors
    self.timeout = timeout
    self.cacheBytes = cacheBytes
    self.negativeLifetime = negativeLifetime
    self.recordLifetime = recordLifetime
    self.pendingQuestions = pendingQuestions
  }
}

/// The resolver could not be set up; the text names the setting.
package struct ResolverSetupError: Error, CustomStringConvertible {
  /// One line for the administrator.
  package let description: String
}
