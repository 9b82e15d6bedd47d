/// ENVELOPE, BODY and BODYSTRUCTURE as FETCH sends them (RFC 3501 section 7.4.2, RFC 9051 section 7.5.2).
///
/// The results are ready to send: every octet that no quoted string may hold goes into a literal.
package enum IMAPStructures {
  /// The ENVELOPE of a message.
  ///
  /// - Parameters:
  ///   - message: the root of a parse, or the child of a message/rfc822 part.
  ///   - bytes: the octets that were parsed.
  package static func envelope(of message: MIMEPart, in bytes: Span<UInt8>) -> [UInt8] {
    Envelope(bytes, headerRange: message.headerRange).imap
  }

  /// The non-extensible BODY of a part with all parts below it.
  package static func body(of part: MIMEPart, in bytes: Span<UInt8>) -> [UInt8] {
    var writer = IMAPWriter()
    write(part, isExtended: false, in: bytes, to: &writer)
    return writer.bytes
  }

  /// The BODYSTRUCTURE of a part with all parts below it.
  package static func bodyStructure(of part: MIMEPart, in bytes: Span<UInt8>) -> [UInt8] {
    var writer = IMAPWriter()
    write(part, isExtended: true, in: bytes, to: &writer)
    return writer.bytes
  }

  private static func write(_ part: MIMEPart, isExtended: Bool, in bytes: Span<UInt8>, to writer: inout IMAPWriter) {
    writer.raw("(")
    if part.content == .multipart {
      // A multipart must have a part; one without any shows an empty text.
      if part.children.isEmpty {
        writer.raw(#"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 0 0)"#)
      }
      for child in part.children { write(child, isExtended: isExtended, in: bytes, to: &writer) }
      writer.raw(" ")
      writer.keyword(part.subtype)
      if isExtended {
        writer.raw(" ")
        write(part.parameters, to: &writer)
        writeExtension(part, to: &writer)
      }
    } else {
      writeSingle(part, isExtended: isExtended, in: bytes, to: &writer)
    }
    writer.raw(")")
  }

  private static func writeSingle(
    _ part: MIMEPart, isExtended: Bool, in bytes: Span<UInt8>, to writer: inout IMAPWriter
  ) {
    writer.keyword(part.type)
    writer.raw(" ")
    writer.keyword(part.subtype)
    writer.raw(" ")
    var parameters = part.parameters
    if part.type == "text", parameters.named("charset") == nil {
      parameters.append(MIMEParameter(name: "charset", value: Array("US-ASCII".utf8), isExtended: false))
    }
    write(parameters, to: &writer)
    writer.raw(" ")
    writer.nstring(part.id)
    writer.raw(" ")
    writer.nstring(part.description)
    writer.raw(" ")
    writer.keyword(part.encoding)
    writer.raw(" ")
    writer.number(part.bodyWireSize)
    if part.content == .message, let message = part.children.first {
      writer.raw(" ")
      writer.append(envelope(of: message, in: bytes))
      writer.raw(" ")
      write(message, isExtended: isExtended, in: bytes, to: &writer)
    }
    if part.content == .message || part.type == "text" {
      writer.raw(" ")
      writer.number(part.lineCount)
    }
    if isExtended {
      writer.raw(" ")
      writer.nstring(part.md5)
      writeExtension(part, to: &writer)
    }
  }

  /// Disposition, languages and location.
  private static func writeExtension(_ part: MIMEPart, to writer: inout IMAPWriter) {
    writer.raw(" ")
    if let disposition = part.disposition {
      writer.raw("(")
      writer.keyword(disposition)
      writer.raw(" ")
      write(part.dispositionParameters, to: &writer)
      writer.raw(")")
    } else {
      writer.raw("NIL")
    }
    writer.raw(" ")
    switch part.languages.count {
    case 0: writer.raw("NIL")
    case 1: writer.string(part.languages[0])
    default:
      writer.raw("(")
      for (index, language) in part.languages.enumerated() {
        if index > 0 { writer.raw(" ") }
        writer.string(language)
      }
      writer.raw(")")
    }
    writer.raw(" ")
    writer.nstring(part.location)
  }

  private static func write(_ parameters: [MIMEParameter], to writer: inout IMAPWriter) {
    guard !parameters.isEmpty else {
      writer.raw("NIL")
      return
    }
    writer.raw("(")
    for (index, parameter) in parameters.enumerated() {
      if index > 0 { writer.raw(" ") }
      writer.keyword(parameter.isExtended ? parameter.name + "*" : parameter.name)
      writer.raw(" ")
      writer.string(parameter.value)
    }
    writer.raw(")")
  }
}
