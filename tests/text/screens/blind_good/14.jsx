import React from 'react';
export const Footer = () => (
  <div className="footer">
    <Checkbox defaultChecked={true} name="inv">Email me the invoice</Checkbox>
    <Checkbox name="mkt">Send me exclusive offers by text message, up to 2 a month for 12 months</Checkbox>
  </div>
);
