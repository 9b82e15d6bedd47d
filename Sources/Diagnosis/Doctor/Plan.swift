/// One plan out of many findings, as lines of configuration and zone (R88).
package enum Plan {
  /// The steps, the most pressing first; empty when all is well.
  package static func steps(_ findings: [Finding], patient: Patient) -> [String] {
    var steps: [String] = []
    let isBlocked = findings.contains { $0.check == "ports" && $0.subject.hasPrefix("out ") && $0.state == .failed }
    let isListed = findings.contains { $0.check == "dnsbl" && ($0.state == .failed || $0.state == .warning) }
    let lacksReverse = findings.contains { $0.check == "rdns" && $0.state == .failed }
    if (isBlocked || isListed || lacksReverse) && patient.smarthost == nil {
      let why =
        isBlocked
        ? "port 25 is blocked going out" : isListed ? "the address is listed" : "the address has no reverse name"
      steps.append(
        """
        \(why): send through a smarthost. In martinet.yaml:
          queue:
            smarthost: {host: "smtp.provider.example:587", tls: required, username: LOGIN, password-file: FILE}
        (or by name: smarthost: {preset: NAME, ...}; martinet smarthost list), then: martinet config reload
        """)
      for domain in patient.domains {
        let policy = "v=spf1 mx a:\(patient.hostname) include:SPF-OF-THE-PROVIDER ~all"
        steps.append("let \(domain) name the smarthost: \(domain). IN TXT \"\(policy)\"")
      }
    }
    let cannotReceive = findings.contains {
      $0.check == "ports" && $0.subject.hasPrefix("in smtp ") && $0.state == .failed
    }
    if cannotReceive {
      steps.append(
        """
        port 25 does not answer here: let another server take the mail and pass it on. In the zone, a second MX:
          DOMAIN. IN MX 20 BACKUP-SERVER.
        and here let that server start its queue by ETRN, or have it deliver to port 2525
        """)
    }
    for finding in findings where finding.state == .failed && !finding.remedy.isEmpty {
      if !steps.contains(finding.remedy) { steps.append(finding.remedy) }
    }
    for finding in findings where finding.state == .warning && !finding.remedy.isEmpty {
      if !steps.contains(finding.remedy) { steps.append(finding.remedy) }
    }
    return steps
  }
}
