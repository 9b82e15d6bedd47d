import Testing

@testable import MailSyntax

@Suite struct ConversionTests {
  private func convert(_ text: String, to goal: MessageConversion.Goal) throws -> String {
    String(decoding: try MessageConversion.convert(Array(text.utf8), to: goal), as: UTF8.self)
  }

  @Test("a message that is no MIME gets its labels")
  func plain() throws {
    #expect(
      try convert("Subject: x\r\n\r\nna\u{ef}ve =\r\n", to: .sevenBit) == """
        Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r
        Content-Transfer-Encoding: quoted-printable\r\n\r\nna=C3=AFve =3D\r\n
        """)
    let fits = "Subject: x\r\nContent-Transfer-Encoding: 7bit\r\n\r\nhello\r\n"
    #expect(try convert(fits, to: .sevenBit) == fits)
    let eight = "Subject: x\r\n\r\nna\u{ef}ve\r\n"
    #expect(try convert(eight, to: .eightBit) == eight)
  }

  @Test("each part by itself, nested messages too; what fits stays, labels follow")
  func parts() throws {
    let image: [UInt8] = Array(0...255) + [0x0a, 0x0d]
    let head = """
      MIME-Version: 1.0\r
      Content-Type: multipart/mixed; boundary=outer\r
      Content-Transfer-Encoding: binary\r
      \r
      pre\r
      --outer\r
      Content-Type: text/plain; charset=utf-8\r
      Content-Transfer-Encoding: 8bit\r
      \r
      \u{e9}t\u{e9} as it was before the winter\r
      --outer\r
      Content-Type: message/rfc822\r
      \r
      Subject: inner\r
      Content-Transfer-Encoding: 8bit\r
      \r
      inner words, and more of them \u{e9}\r
      --outer\r
      Content-Type: image/png\r
      Content-Transfer-Encoding: binary\r
      \r

      """
    let message = Array(head.utf8) + image + Array("\r\n--outer--\r\n".utf8)
    for goal in [MessageConversion.Goal.sevenBit, .eightBit] {
      let result = try MessageConversion.convert(message, to: goal)
      let text = String(decoding: result, as: UTF8.self)
      let tree = MIMEPart.parse(result)
      #expect(tree.children.count == 3 && tree.encoding == (goal == .sevenBit ? "7bit" : "8bit"))
      let last = try #require(tree.children.last)
      #expect(last.encoding == "base64")
      #expect(TransferEncoding.base64.decode(result.span, range: last.bodyRange) == image)
      if goal == .sevenBit {
        #expect(result.allSatisfy { $0 < 0x80 } && text.contains("=C3=A9t=C3=A9 as it was before the winter"))
        #expect(tree.children[1].children[0].encoding == "quoted-printable")
      } else {
        #expect(text.contains("\u{e9}t\u{e9} as it was before the winter") && !result.contains(0))
      }
    }
  }

  @Test(
    "nothing signed, encrypted or fragmentary is touched",
    arguments: [
      "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\u{e9}\r\n--b--\r\n",
      "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\n\u{e9}\r\n--b--\r\n",
      "Content-Type: message/partial; id=x; number=1\r\n\r\n\u{e9}\r\n",
      "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n\u{e9}\r\n",
    ])
  func impossible(_ message: String) {
    #expect(throws: MessageConversion.Impossible.self) { try convert(message, to: .sevenBit) }
  }

  @Test("a signed part that fits stays to the octet")
  func signedFits() throws {
    let message =
      "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/signed; boundary=b\r\n"
      + "\r\n--b\r\n\r\nok \r\n--b--\r\n\r\n--a\r\n\r\n\u{e9}\u{e9}\u{e9}\u{e9}\r\n--a--\r\n"
    let result = try convert(message, to: .sevenBit)
    #expect(result.contains("boundary=b\r\n\r\n--b\r\n\r\nok \r\n--b--\r\n\r\n--a\r\n"))
    #expect(result.utf8.allSatisfy { $0 < 0x80 })
  }
}
