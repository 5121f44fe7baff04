import React from 'react';
export const Footer = () => (
  <div className="footer">
    <Checkbox defaultChecked={true} name="mkt">Send me exclusive offers by text message</Checkbox>
    <Button type="primary">Place order</Button>
  </div>
);
