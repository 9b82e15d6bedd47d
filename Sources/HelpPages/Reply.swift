/// An answer: one page, after which the connection ends.
struct Reply: Sendable {
  var status = "200 OK"
  var type = "text/html; charset=utf-8"
  var body: [UInt8]
  var extra: [String] = []

  init(html: String) { body = Array(html.utf8) }

  init(text: String) {
    body = Array(text.utf8)
    type = "text/plain; charset=utf-8"
  }

  init(xml: String) {
    body = Array(xml.utf8)
    type = "text/xml; charset=utf-8"
  }

  /// What a request without a page gets.
  init(status: String, _ text: String) {
    self.init(text: text + "\n")
    self.status = status
  }

  init(_ refusal: Request.Refusal) {
    switch refusal {
    case .bad: self.init(status: "400 Bad Request", "The request could not be understood.")
    case .tooLarge: self.init(status: "413 Content Too Large", "The request is too large.")
    case .lengthRequired: self.init(status: "411 Length Required", "Send Content-Length instead of chunks.")
    case .methodNotAllowed:
      self.init(status: "405 Method Not Allowed", "These pages can be read with GET and HEAD.")
      extra = ["Allow: GET, HEAD, POST"]
    }
  }

  /// The octets that travel; HEAD leaves the body out (RFC 9110 section 9.3.2).
  func bytes(withBody: Bool) -> [UInt8] {
    var head = "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n"
    head += "X-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\n"
    head += "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
    head += "form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n"
    for line in extra { head += line + "\r\n" }
    return Array(head.utf8) + [0x0d, 0x0a] + (withBody ? body : [])
  }
}
